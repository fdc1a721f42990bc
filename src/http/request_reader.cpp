#include "http/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "core/assert.hpp"
#include "core/secret.hpp"

namespace deputy::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using beast::string_view;

constexpr std::size_t buffer_bytes_at_first = 4096;
constexpr std::size_t buffer_bytes_for_body = 16 * 1024;
constexpr std::size_t fields_max = 100;
constexpr std::size_t fields_at_first = 8;  // as many as SDKs send

constexpr int status_bad_request = 400;
constexpr int status_too_large = 413;
constexpr int status_expectation_failed = 417;
constexpr int status_header_too_large = 431;
constexpr int status_not_implemented = 501;
constexpr int status_bad_version = 505;

std::string_view as_std(string_view text) {
  return {text.data(), text.size()};
}

// More room without leaving a copy of what is there behind.
void grow(std::string& text, std::size_t capacity) {
  std::string larger;
  larger.reserve(capacity);
  larger = text;
  wipe(text);
  text.swap(larger);
}

void append(std::string& text, std::string_view more) {
  const std::size_t size = text.size() + more.size();
  if (size > text.capacity()) grow(text, std::max(size, 2 * text.capacity()));
  text.append(more);
}

// The characters of a host and port, IPv6 literals included; no user, no escapes.
bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{".-_~:[]"}.find(c) != std::string_view::npos;
  });
}

// Printable ASCII without the fragment's mark; the path's own rules are decode_path's.
bool is_target(std::string_view target) {
  return std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

// Receives what Beast's parser finds, straight into a Request, and decides what Beast would let pass.
class Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(RequestReader::Limits limits) {
    header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    body_limit(limits.body_bytes_max);
  }

  Request request;
  int refusal = 0;
  bool expects_continue = false;
  // RFC 9112, 9.3, but for 1.0's keep-alive, which is not offered.
  bool allows_another() const { return version_ >= 11 && keep_alive(); }

 private:
  void refuse(int status, error_code& error) {
    refusal = status;
    error = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb, string_view method, string_view target, int version,
                       error_code& error) override {
    version_ = version;
    request.headers.reserve(fields_at_first);
    request.method = as_std(method);
    request.target = as_std(target);
    const auto question = request.target.find('?');
    auto path = decode_path(std::string_view{request.target}.substr(0, question));
    if (!path || !is_target(request.target)) return refuse(status_bad_request, error);
    request.path = *std::move(path);
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
  }

  void on_field_impl(beast::http::field field, string_view name, string_view value,
                     error_code& error) override {
    // Fields after a chunked body are not the header's: dropped.
    if (header_done_) return;
    if (++fields_ > fields_max) return refuse(status_header_too_large, error);
    request.headers.add(std::string{as_std(name)}, std::string{as_std(value)});
    switch (field) {
      case beast::http::field::host:
        if (std::exchange(has_host_, true) || !is_host(as_std(value)))
          return refuse(status_bad_request, error);
        break;
      case beast::http::field::content_length:
        // Beast takes a list of equal numbers; one is enough for us.
        if (std::exchange(has_length_, true) || value.find(',') != string_view::npos) {
          return refuse(status_bad_request, error);
        }
        break;
      case beast::http::field::transfer_encoding:
        if (std::exchange(has_encoding_, true)) return refuse(status_bad_request, error);
        if (!equal_without_case(as_std(value), "chunked")) return refuse(status_not_implemented, error);
        break;
      case beast::http::field::expect:
        if (!equal_without_case(as_std(value), "100-continue"))
          return refuse(status_expectation_failed, error);
        expects_continue = true;
        break;
      default:
        break;
    }
  }

  void on_header_impl(error_code& error) override {
    header_done_ = true;
    const bool is_old = version_ < 11;
    if ((!is_old && !has_host_) || (has_encoding_ && (has_length_ || is_old)))
      refuse(status_bad_request, error);
    if (is_old) expects_continue = false;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override {
    append(request.body, as_std(body));
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    append(request.body, as_std(body));
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code&) override {}

  int version_ = 0;
  std::size_t fields_ = 0;
  bool header_done_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_encoding_ = false;
};

int status_of(const error_code& error) {
  if (error == beast::http::error::body_limit) return status_too_large;
  if (error == beast::http::error::header_limit) return status_header_too_large;
  return status_bad_request;
}

// Whether the line is well formed but for its version: `GET / HTTP/2.0`.
bool is_of_other_version(std::string_view line) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  constexpr std::string_view form = " HTTP/d.d";
  if (line.size() < form.size() || std::ranges::count(line, ' ') != 2) return false;
  const std::string_view tail = line.substr(line.size() - form.size());
  return tail.starts_with(" HTTP/") && is_digit(tail[6]) && tail[7] == '.' && is_digit(tail[8]);
}

}  // namespace

struct RequestReader::State {
  explicit State(Limits limits_) : limits(limits_) {}
  ~State() { wipe(buffer); }

  const Limits limits;
  std::string buffer;  // what has been received is [begin, end)
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t line = 0;  // offset from begin: where the header line that is not complete yet begins
  bool skipped_line = false;
  std::optional<Parser> parser;  // there is one from the end of a header to the end of its body
  bool continue_sent = false;
  int refusal = 0;
  bool keep_alive = false;

  std::string_view unread() const { return std::string_view{buffer}.substr(begin, end - begin); }

  Progress refuse(int status) {
    refusal = status;
    return Progress::refused;
  }

  // Read, and gone: it may have held a key.
  void consume(std::size_t bytes) {
    ::explicit_bzero(buffer.data() + begin, bytes);
    begin += bytes;
  }

  // The header's size once it is here wholly; 0 before that, or with `refusal` set. Goes on at the line where
  // it stopped.
  std::size_t find_header_end() {
    const std::string_view bytes = unread();
    for (;;) {
      const auto feed = bytes.find('\n', line);
      if (feed == std::string_view::npos) return 0;
      if (feed == line || bytes[feed - 1] != '\r') {
        refusal = status_bad_request;
        return 0;
      }
      if (feed == line + 1) return feed + 1;
      line = feed + 1;
    }
  }

  Progress read_header() {
    if (line == 0 && !skipped_line && unread().starts_with("\r\n")) {
      // RFC 9112, 2.2: one empty line before a request is to be ignored.
      begin += 2;
      skipped_line = true;
    }
    if (unread().empty()) return Progress::needs_more;
    const auto first = static_cast<unsigned char>(buffer[begin]);
    // What begins like this (TLS, say) never becomes a request: no need to wait for a line's end.
    if (first != '\r' && (first <= ' ' || first >= 0x7f)) return refuse(status_bad_request);
    const std::size_t size = find_header_end();
    if (refusal != 0) return Progress::refused;
    if (size > limits.header_bytes_max || (size == 0 && end - begin >= limits.header_bytes_max)) {
      return refuse(status_header_too_large);
    }
    if (size == 0) return Progress::needs_more;
    return parse_header(unread().substr(0, size));
  }

  Progress parse_header(std::string_view header) {
    // Folded lines: obsolete, and read differently by different programs. RFC 9112, 5.2.
    if (header.find("\r\n ") != std::string_view::npos || header.find("\r\n\t") != std::string_view::npos) {
      return refuse(status_bad_request);
    }
    parser.emplace(limits);
    continue_sent = false;
    error_code error;
    parser->put(boost::asio::const_buffer{header.data(), header.size()}, error);
    if (error == beast::http::error::bad_version &&
        is_of_other_version(header.substr(0, header.find('\r')))) {
      return refuse(status_bad_version);
    }
    if (error) return refuse(parser->refusal != 0 ? parser->refusal : status_of(error));
    DEPUTY_ASSERT(parser->is_header_done());
    consume(header.size());
    line = 0;
    skipped_line = false;
    return read_body();
  }

  Progress read_body() {
    while (!parser->is_done()) {
      const std::string_view bytes = unread();
      if (bytes.empty()) {
        if (parser->expects_continue && !std::exchange(continue_sent, true)) return Progress::wants_continue;
        return Progress::needs_more;
      }
      continue_sent = true;  // the client did not wait for it
      error_code error;
      consume(parser->put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error));
      if (error == beast::http::error::need_more) {
        // A chunk's header or the trailer must fit the buffer.
        if (end - begin >= std::max(limits.header_bytes_max, buffer_bytes_for_body))
          return refuse(status_bad_request);
        return Progress::needs_more;
      }
      if (error) return refuse(status_of(error));
    }
    return Progress::complete;
  }

  void make_space() {
    if (begin == end) begin = end = 0;
    if (end < buffer.size()) return;
    if (begin > 0) {
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      ::explicit_bzero(buffer.data() + end, begin);
      begin = 0;
      return;
    }
    const std::size_t size_max = std::max(limits.header_bytes_max, buffer_bytes_for_body);
    DEPUTY_ASSERT(buffer.size() < size_max);
    const std::size_t size =
        std::clamp(buffer.size() * 2, std::min(buffer_bytes_at_first, size_max), size_max);
    grow(buffer, size);
    buffer.resize(size);
  }
};

RequestReader::RequestReader(Limits limits) : state_(std::make_unique<State>(limits)) {}
RequestReader::~RequestReader() = default;

std::span<char> RequestReader::space() {
  state_->make_space();
  return std::span{state_->buffer}.subspan(state_->end);
}

void RequestReader::received(std::size_t bytes) {
  DEPUTY_ASSERT(bytes <= state_->buffer.size() - state_->end);
  state_->end += bytes;
}

RequestReader::Progress RequestReader::advance() {
  if (state_->refusal != 0) return Progress::refused;
  return state_->parser ? state_->read_body() : state_->read_header();
}

int RequestReader::refusal() const {
  return state_->refusal;
}

Request RequestReader::take() {
  DEPUTY_ASSERT(state_->parser && state_->parser->is_done());
  Request request = std::move(state_->parser->request);
  state_->keep_alive = state_->parser->allows_another();
  state_->parser.reset();
  return request;
}

bool RequestReader::keep_alive() const {
  return state_->keep_alive;
}
void RequestReader::rest() {
  if (!between_requests() || state_->buffer.empty()) return;
  state_->buffer = {};
  state_->begin = state_->end = 0;
}
bool RequestReader::between_requests() const {
  return !state_->parser && state_->begin == state_->end;
}
bool RequestReader::in_body() const {
  return state_->parser.has_value();
}

std::size_t RequestReader::body_bytes() const {
  return state_->parser ? state_->parser->request.body.size() : 0;
}

}  // namespace deputy::http
