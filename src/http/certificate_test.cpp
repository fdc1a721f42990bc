#include "http/certificate.hpp"

#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <thread>

#include "http/running_server.hpp"

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

constexpr const char* small_get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

class CertificateTest : public testing::Test {
 protected:
  std::string only_problem() const {
    const auto problems = problems_of(files_);
    EXPECT_EQ(Certificate::load(files_).has_value(), problems.empty());
    if (problems.empty()) return "none";
    return problems.size() == 1 ? problems.front() : problems.front() + " and more";
  }
  std::string cert() const { return "`" + files_.certificate.string() + "` "; }
  std::string key() const { return "`" + files_.key.string() + "` "; }

  TemporaryFolder folder_;
  CertificateFiles files_ = write_pair(folder_.path());
};

TEST_F(CertificateTest, AGoodPairHasNoProblem) {
  EXPECT_EQ(only_problem(), "none");
  EXPECT_GT(Certificate::load(files_).value()->expires_at(), 1'700'000'000);
}

TEST_F(CertificateTest, NamesWhatIsMissing) {
  std::filesystem::remove(files_.certificate);
  EXPECT_EQ(only_problem(), cert() + "cannot be read: No such file or directory");
  write_pair(folder_.path());
  std::filesystem::remove(files_.key);
  EXPECT_EQ(only_problem(), key() + "cannot be read: No such file or directory");
}

TEST_F(CertificateTest, NamesWhatIsOfTheWrongForm) {
  write_file(files_.certificate, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(only_problem(), cert() + "holds no certificate in PEM");
  write_pair(folder_.path());
  write_file(files_.key, "");
  EXPECT_EQ(only_problem(), key() + "holds no private key in PEM without a passphrase");
  write_file(files_.key, std::string(300'000, 'x'));
  EXPECT_EQ(problems_of(files_).front(), key() + "is longer than 256 KiB");
}

TEST_F(CertificateTest, AKeyWithAPassphraseIsNoKeyAndNobodyIsAsked) {
  const auto secret = draw_key();
  const openssl::Bio bio{BIO_new(BIO_s_mem())};
  unsigned char passphrase[] = "open sesame";
  ASSERT_EQ(PEM_write_bio_PrivateKey(bio.get(), secret.get(), EVP_aes_128_cbc(), passphrase,
                                     sizeof passphrase - 1, nullptr, nullptr),
            1);
  write_file(files_.key, text_of(bio.get()));
  EXPECT_EQ(only_problem(), key() + "holds no private key in PEM without a passphrase");
}

TEST_F(CertificateTest, NamesAKeyOfAnotherCertificate) {
  write_key(files_.key, draw_key().get());
  EXPECT_EQ(only_problem(),
            key() + "is not the key of the certificate in `" + files_.certificate.string() + "`");
}

TEST_F(CertificateTest, NamesWhatHasExpiredOrIsNotValidYet) {
  write_pair(folder_.path(), {.not_before = -7'200, .not_after = -3'600});
  EXPECT_EQ(only_problem(), cert() + "has expired");
  write_pair(folder_.path(), {.not_before = 3'600, .not_after = 7'200});
  EXPECT_EQ(only_problem(), cert() + "is not valid yet");
}

TEST_F(CertificateTest, NamesAKeyThatEverybodyCanRead) {
  std::filesystem::permissions(files_.key,
                               std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
  EXPECT_EQ(only_problem(),
            key() + "can be read or written by everybody on this machine (mode 0404); give it mode 0600");
  std::filesystem::permissions(files_.key,
                               std::filesystem::perms::owner_read | std::filesystem::perms::group_read);
  EXPECT_EQ(only_problem(), "none");
}

// ── Over a connection ───────────────────────────────────────────────────────────────────────────────────

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port) : context_(SSL_CTX_new(TLS_client_method())), port_(port) {}
  SSL_CTX* context() { return context_.get(); }
  // Whether the handshake succeeds; `look` is then shown the connection.
  bool connects(const std::function<void(SSL*)>& look = {}) {
    SocketClient plain{port_};
    openssl::Ssl ssl{SSL_new(context_.get())};
    SSL_set_fd(ssl.get(), plain.descriptor());
    const bool done = SSL_connect(ssl.get()) == 1;
    if (done && look) look(ssl.get());
    return done;
  }

 private:
  openssl::Context context_;
  std::uint16_t port_;
};

// The serial number of the certificate that the server shows.
long serial_shown(SSL* ssl) {
  return ASN1_INTEGER_get(X509_get_serialNumber(SSL_get0_peer_certificate(ssl)));
}

TEST(TlsListener, SpeaksNothingBelowTls12) {
  const RunningServer running{Way::tls};
  for (const auto& [version, spoken] :
       {std::pair{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}}) {
    TlsClient client{running.port()};
    SSL_CTX_set_security_level(client.context(), 0);  // else OpenSSL's own client would refuse
    SSL_CTX_set_min_proto_version(client.context(), version);
    SSL_CTX_set_max_proto_version(client.context(), version);
    EXPECT_EQ(client.connects(), spoken) << version;
  }
}

TEST(TlsListener, SpeaksNoCipherWithoutForwardSecrecyOrAuthentication) {
  const RunningServer running{Way::tls};
  for (const auto& [cipher, spoken] : {std::pair{"ECDHE-ECDSA-AES128-GCM-SHA256", true},
                                       {"ECDHE-ECDSA-AES128-SHA256", false},
                                       {"AES128-GCM-SHA256", false},
                                       {"AECDH-AES128-SHA", false},
                                       {"ECDHE-ECDSA-AES256-SHA", false}}) {
    TlsClient client{running.port()};
    SSL_CTX_set_security_level(client.context(), 0);
    SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
    ASSERT_EQ(SSL_CTX_set_cipher_list(client.context(), cipher), 1) << cipher;
    EXPECT_EQ(client.connects(), spoken) << cipher;
  }
}

TEST(TlsListener, ChoosesHttp11AndRefusesWhoWantsOnlyAnother) {
  const RunningServer running{Way::tls};
  TlsClient both{running.port()};
  constexpr unsigned char h2_and_http[] = "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_protos(both.context(), h2_and_http, sizeof h2_and_http - 1);
  EXPECT_TRUE(both.connects([](SSL* ssl) {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &chosen, &size);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), size), "http/1.1");
  }));
  TlsClient only{running.port()};
  constexpr unsigned char h2[] = "\x02h2";
  SSL_CTX_set_alpn_protos(only.context(), h2, sizeof h2 - 1);
  EXPECT_FALSE(only.connects());
}

TEST(TlsListener, SessionsAreResumed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RunningServer running{Way::tls};
    TlsClient client{running.port()};
    SSL_CTX_set_max_proto_version(client.context(), version);
    SSL_SESSION* session = nullptr;
    EXPECT_TRUE(client.connects([&](SSL* ssl) {
      std::size_t size = 0;
      char bytes[4096];
      SSL_write_ex(ssl, small_get, std::string_view{small_get}.size(), &size);
      SSL_read_ex(ssl, bytes, sizeof bytes, &size);  // TLS 1.3's session comes with it
      session = SSL_get1_session(ssl);
      SSL_shutdown(ssl);
    }));
    while (running.connections() > 0) std::this_thread::yield();
    SSL_CTX_set_session_cache_mode(client.context(), SSL_SESS_CACHE_CLIENT);
    SocketClient plain{running.port()};
    openssl::Ssl ssl{SSL_new(client.context())};
    SSL_set_fd(ssl.get(), plain.descriptor());
    SSL_set_session(ssl.get(), session);
    SSL_SESSION_free(session);
    EXPECT_EQ(SSL_connect(ssl.get()), 1);
    EXPECT_EQ(SSL_session_reused(ssl.get()), 1) << version;
    while (running.counts().tally.handshakes_done < 2) std::this_thread::yield();
    EXPECT_EQ(running.counts().tally.handshakes_resumed, 1U);
  }
}

TEST(TlsListener, WhoDoesNotSpeakTlsIsClosedWithoutAnAnswer) {
  RunningServer running{Way::tls};
  SocketClient plain{running.port()};
  plain.send(small_get);
  EXPECT_EQ(plain.receive_all().find("HTTP/"), std::string::npos);
  while (running.counts().tally.handshakes_failed == 0) std::this_thread::yield();
  EXPECT_TRUE(running.serves());
}

TEST(TlsListener, ASlowHandshakeIsCutOff) {
  ServerOptions options;
  options.handshake_timeout = 60ms;
  RunningServer running{Way::tls, options};
  SocketClient silent{running.port()};
  SocketClient stops{running.port()};
  stops.send(std::string_view{"\x16\x03\x01\x02\x00\x01", 6});
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(stops.is_closed());
  EXPECT_EQ(running.counts().tally.handshakes_failed, 2U);
  EXPECT_TRUE(running.serves());
}

TEST(TlsListener, HandshakesThatWaitAreBounded) {
  ServerOptions options;
  options.handshakes_max = 0;
  RunningServer running{Way::tls, options};
  EXPECT_EQ(running.connect().ssl(), nullptr);
  EXPECT_EQ(running.counts().tally.handshakes_refused, 1U);
  EXPECT_EQ(running.connections(), 0U);
}

TEST(TlsListener, ManyHandshakesAtOnceAreAllServed) {
  RunningServer running{Way::tls};
  std::vector<std::jthread> clients;
  std::atomic<int> served{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int n = 0; n < 8; ++n) served += running.serves() ? 1 : 0;
    });
  }
  clients.clear();
  EXPECT_EQ(served, 64);
}

// Ends with steps of handshakes under way on other threads.
TEST(TlsListener, DestructionInTheMidstOfHandshakesIsSafe) {
  for (int round = 0; round < 10; ++round) {
    RunningServer running{Way::tls};
    std::vector<SocketClient> clients;
    for (int i = 0; i < 20; ++i) {
      clients.emplace_back(running.port());
      clients.back().send(std::string_view{"\x16\x03\x01\x02\x00\x01", 6});
    }
    while (running.connections() < 20) std::this_thread::yield();
    running.destroy();
  }
}

class Reload : public testing::Test {
 protected:
  static ServerOptions options() {
    ServerOptions options;
    options.certificate_check_period = 5ms;
    return options;
  }
  long serial() {
    const auto client = running_.connect();
    return client.ssl() == nullptr ? 0 : serial_shown(client.ssl());
  }
  // By rename, as such files are replaced.
  void replace(const PairWish& wish) {
    TemporaryFolder made;
    const auto files = write_pair(made.path(), wish);
    for (const auto& file : {files.key, files.certificate})
      std::filesystem::rename(file, running_.folder() / file.filename());
  }
  RunningServer running_{Way::tls, options()};
};

TEST_F(Reload, ANewPairIsUsedWithoutARestartAndOpenConnectionsGoOn) {
  auto open = running_.connect();
  const long before = serial();
  replace({});
  while (serial() == before) std::this_thread::sleep_for(1ms);  // bounded by the test's own time-out
  open.send(small_get);
  EXPECT_EQ(open.receive_response().status, 200);
  EXPECT_GE(running_.counts().tally.certificate_reloads, 1U);
}

TEST_F(Reload, ABadPairKeepsTheOneInUse) {
  const long before = serial();
  replace({.not_before = -7'200, .not_after = -3'600});
  while (running_.counts().tally.certificate_reload_failures == 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(serial(), before);
  replace({});
  while (serial() == before) std::this_thread::sleep_for(1ms);
}

TEST(ReloadOnDemand, ReadsThePairAgain) {
  RunningServer running{Way::tls};
  running.reload_certificate();
  while (running.counts().tally.certificate_reloads == 0) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(running.serves());
}

TEST(TlsListener, DoesNotBeginWithABadPair) {
  RealLoop real;
  TemporaryFolder folder;
  ServerOptions options;
  options.tls = CertificateFiles{folder.path() / "none", folder.path() / "none"};
  Server server{real.loop(), options, echo};
  EXPECT_FALSE(server.listen());
}

}  // namespace
}  // namespace deputy::http
