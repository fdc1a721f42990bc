#include "http/tls_channel.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/secret.hpp"
#include "http/openssl.hpp"

namespace deputy::http {
namespace {

constexpr std::size_t record_bytes_max = 16 * 1024;  // RFC 8446, 5.1

// OpenSSL over a BIO of our own: its socket BIO knows neither MSG_NOSIGNAL nor whether more is to be
// received.
class TlsChannel final : public Channel {
 public:
  TlsChannel(SSL_CTX& context, FileDescriptor connection)
      : Channel(std::move(connection)), ssl_(SSL_new(&context)) {
    BIO* const bio = ssl_ ? BIO_new(method()) : nullptr;
    if (bio == nullptr) {
      ssl_.reset();
      return;
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
  }

  // Said to have ended in order, whoever ended it: else OpenSSL would let nobody resume the session.
  ~TlsChannel() override {
    if (ssl_ && !failed_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }

  bool is_made() const { return ssl_ != nullptr; }

  bool has_handshake() const override { return SSL_is_init_finished(ssl_.get()) == 0; }
  bool is_resumed() const override { return SSL_session_reused(ssl_.get()) != 0; }

  Wait shake_hands() override {
    ERR_clear_error();
    return wait_after(SSL_do_handshake(ssl_.get()));
  }

  Moved read(std::span<char> space) override {
    ERR_clear_error();
    // What an earlier receive found says nothing of now: only one of this call counts.
    drained_ = false;
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), space.data(), space.size(), &size);
    if (result != 1) return {0, wait_after(result)};
    const bool has_more = !drained_ || SSL_has_pending(ssl_.get()) != 0;
    return {size, has_more ? Wait::none : Wait::ready};
  }

  // One record: the header and a small body travel together.
  Moved write(std::string_view head, std::string_view tail, std::size_t offset) override {
    std::array<char, record_bytes_max> record;
    const std::string_view rest = head.substr(std::min(offset, head.size()));
    const std::string_view body = tail.substr(offset > head.size() ? offset - head.size() : 0);
    const std::size_t of_rest = std::min(rest.size(), record.size());
    const std::size_t of_body = std::min(body.size(), record.size() - of_rest);
    std::copy_n(rest.begin(), of_rest, record.begin());
    std::copy_n(body.begin(), of_body, record.begin() + static_cast<std::ptrdiff_t>(of_rest));
    ERR_clear_error();
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), record.data(), of_rest + of_body, &written);
    OPENSSL_cleanse(record.data(), of_rest + of_body);  // it may have held credentials
    return result == 1 ? Moved{written, Wait::none} : Moved{0, wait_after(result)};
  }

  bool end_sending() override {
    if (failed_) return false;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    return shut_down_sending();
  }

 private:
  Wait wait_after(int result) {
    if (result == 1) return Wait::none;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return Wait::ready;
      case SSL_ERROR_ZERO_RETURN:
        return Wait::over;
      default:
        failed_ = true;
        return Wait::over;
    }
  }

  static TlsChannel& of(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

  static int send(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto moved = of(bio).transmit({bytes, static_cast<std::size_t>(size)}, {});
    if (moved.wait == Wait::none) return static_cast<int>(moved.bytes);
    if (moved.wait == Wait::ready) BIO_set_retry_write(bio);
    return -1;
  }
  static int receive_into(BIO* bio, char* space, int size) {
    BIO_clear_retry_flags(bio);
    const auto moved = of(bio).receive({space, static_cast<std::size_t>(size)});
    of(bio).drained_ = moved.wait == Wait::ready;
    if (moved.bytes > 0) return static_cast<int>(moved.bytes);
    if (moved.wait == Wait::ready) BIO_set_retry_read(bio);
    return moved.wait == Wait::ready ? -1 : 0;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
      BIO_meth_set_write(method, &send);
      BIO_meth_set_read(method, &receive_into);
      BIO_meth_set_ctrl(method, &control);
      return method;
    }();
    return made;
  }

  openssl::Ssl ssl_;
  bool drained_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Channel> tls_channel(ssl_ctx_st& context, FileDescriptor connection) {
  auto made = std::make_unique<TlsChannel>(context, std::move(connection));
  if (!made->is_made()) return nullptr;
  return made;
}

}  // namespace deputy::http
