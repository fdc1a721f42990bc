#include "http/certificate.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "core/secret.hpp"
#include "http/openssl.hpp"
#include "http/tls_channel.hpp"

namespace deputy::http {
namespace {

constexpr std::size_t file_bytes_max = 256 * 1024;
constexpr long sessions_max = 4'096;
constexpr long session_life_seconds = 3'600;
constexpr const char* ciphers_of_tls_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// What the files hold.
struct Pair {
  std::vector<openssl::X509Certificate> chain;  // the server's first
  openssl::Key key;
};

class Examination {
 public:
  explicit Examination(const CertificateFiles& files) : files_(files) {
    read_certificates();
    read_key();
    if (!pair.chain.empty() && pair.key != nullptr &&
        X509_check_private_key(pair.chain.front().get(), pair.key.get()) != 1)
      problem(files_.key,
              "is not the key of the certificate in " + in_backticks(files_.certificate.string()));
    ERR_clear_error();
  }

  Pair pair;
  std::vector<std::string> problems;

 private:
  void problem(const std::filesystem::path& file, std::string_view what) {
    problems.push_back(fmt::format("{} {}", in_backticks(file.string()), what));
  }

  // False, with the problem told, when it cannot be read whole.
  bool read(const std::filesystem::path& file, std::string& text, struct stat& about) {
    const FileDescriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!opened || ::fstat(opened.get(), &about) != 0) {
      const char* reason = ::strerrordesc_np(errno);
      problem(file, fmt::format("cannot be read: {}", reason != nullptr ? reason : "unknown error"));
      return false;
    }
    text.resize(file_bytes_max + 1);
    std::size_t size = 0;
    ssize_t more = 0;
    while (size < text.size() && (more = ::read(opened.get(), text.data() + size, text.size() - size)) > 0)
      size += static_cast<std::size_t>(more);
    text.resize(size);
    if (more < 0 || size > file_bytes_max) {
      problem(file, more < 0 ? "cannot be read" : "is longer than 256 KiB");
      return false;
    }
    return true;
  }

  void read_certificates() {
    std::string text;
    struct stat about{};
    if (!read(files_.certificate, text, about)) return;
    const openssl::Bio bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
    while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, &no_passphrase, nullptr))
      pair.chain.emplace_back(one);
    ERR_clear_error();
    if (pair.chain.empty()) problem(files_.certificate, "holds no certificate in PEM");
    for (std::size_t i = 0; i < pair.chain.size(); ++i) check_dates(*pair.chain[i], i);
  }

  void check_dates(const X509& certificate, std::size_t place) {
    const std::string which = place == 0 ? "" : fmt::format(" (certificate {} in the file)", place + 1);
    if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0)
      problem(files_.certificate, "has expired" + which);
    if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0)
      problem(files_.certificate, "is not valid yet" + which);
  }

  void read_key() {
    std::string text;
    struct stat about{};
    if (read(files_.key, text, about)) {
      if ((about.st_mode & (S_IROTH | S_IWOTH)) != 0)
        problem(files_.key,
                fmt::format(
                    "can be read or written by everybody on this machine (mode {:04o}); give it mode 0600",
                    about.st_mode & 07777U));
      const openssl::Bio bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
      pair.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
      if (pair.key == nullptr) problem(files_.key, "holds no private key in PEM without a passphrase");
    }
    wipe(text);
  }

  // A service has nobody to ask.
  static int no_passphrase(char*, int, int, void*) { return -1; }

  const CertificateFiles& files_;
};

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::string_view ours = "\x08http/1.1";
  for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
    const unsigned size = offered[at] + 1U;
    if (size == ours.size() && at + size <= offered_size &&
        std::memcmp(offered + at, ours.data(), size) == 0) {
      *chosen = offered + at + 1;
      *chosen_size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void keep_sessions(SSL_CTX* context) {
  // Tickets would be sealed by one key for as long as the process runs: kept here instead.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, sessions_max);
  SSL_CTX_set_timeout(context, session_life_seconds);
  SSL_CTX_set_num_tickets(context, 1);
  constexpr std::string_view name = "deputy";
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(name.data()), name.size());
}

Result<openssl::Context> make_context(const CertificateFiles& files, const Pair& pair) {
  openssl::Context context{SSL_CTX_new(TLS_server_method())};
  SSL_CTX* const to = context.get();
  bool good = to != nullptr && SSL_CTX_set_min_proto_version(to, TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(to, ciphers_of_tls_1_2) == 1 &&
              SSL_CTX_use_certificate(to, pair.chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(to, pair.key.get()) == 1;
  for (std::size_t i = 1; good && i < pair.chain.size(); ++i)
    good = SSL_CTX_add1_chain_cert(to, pair.chain[i].get()) == 1;
  if (!good)
    return Error{ErrorKind::invalid_request,
                 fmt::format("{} cannot be used: {}", in_backticks(files.certificate.string()),
                             openssl::take_reason())};
  SSL_CTX_set_options(to, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                              SSL_OP_PRIORITIZE_CHACHA);
  // Idle connections hold no buffers; a request is received in one call.
  SSL_CTX_set_mode(
      to, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(to, 1);
  SSL_CTX_set_alpn_select_cb(to, &choose_protocol, nullptr);
  keep_sessions(to);
  return context;
}

std::int64_t expiry_of(const X509& certificate) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &time) != 1) return 0;
  return ::timegm(&time);
}

}  // namespace

struct Certificate::State {
  openssl::Context context;
  std::int64_t expires_at = 0;
};

Certificate::Certificate(std::unique_ptr<State> state) : state_(std::move(state)) {}
Certificate::~Certificate() = default;

std::vector<std::string> problems_of(const CertificateFiles& files) {
  Examination examined{files};
  if (!examined.problems.empty()) return std::move(examined.problems);
  const auto context = make_context(files, examined.pair);
  if (context) return {};
  return {context.error().message};
}

Result<std::shared_ptr<const Certificate>> Certificate::load(const CertificateFiles& files) {
  const Examination examined{files};
  if (!examined.problems.empty()) return Error{ErrorKind::invalid_request, examined.problems.front()};
  DEPUTY_TRY(auto context, make_context(files, examined.pair));
  auto state = std::make_unique<State>();
  state->context = std::move(context);
  state->expires_at = expiry_of(*examined.pair.chain.front());
  return std::shared_ptr<const Certificate>{new Certificate{std::move(state)}};
}

std::unique_ptr<Channel> Certificate::channel(FileDescriptor connection) const {
  return tls_channel(*state_->context, std::move(connection));
}
std::int64_t Certificate::expires_at() const {
  return state_->expires_at;
}

}  // namespace deputy::http
