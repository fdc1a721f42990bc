#include "aws/curl_transport.hpp"

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstdlib>
#include <curl/curl.h>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "core/ascii.hpp"
#include "core/assert.hpp"
#include "core/secret.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t header_bytes_max = 64 * 1024;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One request on its way. Shared between the coroutine that waits for it and the transport.
struct Exchange {
  HttpRequest request;
  HttpResponse response;
  std::size_t response_bytes_max = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
  std::array<char, CURL_ERROR_SIZE> error_text{};
  std::unique_ptr<curl_slist, FreeList> header_lines;
  std::unique_ptr<CURL, FreeEasy> easy;  // after what it points to: it is destroyed first
  std::optional<Error> failure;
  bool done = false;
  std::coroutine_handle<> waiting;  // empty once the waiter is gone

  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {  // session tokens, web identity tokens, and credentials of an answer that nobody took
    for (auto& [name, value] : request.headers) wipe(value);
    wipe(request.body);
    wipe(response.body);
  }
};

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Answers carry credentials: a buffer that is outgrown is wiped, not just freed.
void append_wiping(std::string& text, std::string_view more) {
  if (text.size() + more.size() > text.capacity()) {
    std::string larger;
    larger.reserve(std::max(text.capacity() * 2, text.size() + more.size()));
    larger = text;
    wipe(text);
    text = std::move(larger);
  }
  text.append(more);
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line{data, size * count};
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > header_bytes_max) {
    exchange.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {
    exchange.response.headers.clear();  // what came before belonged to an interim answer
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    exchange.response.headers.emplace_back(to_lower(trim(line.substr(0, colon))),
                                           trim(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view bytes{data, size * count};
  if (bytes.size() > exchange.response_bytes_max - exchange.response.body.size()) {
    exchange.too_large = true;
    return 0;
  }
  append_wiping(exchange.response.body, bytes);
  return bytes.size();
}

Error to_error(CURLcode code, const Exchange& exchange) {
  if (exchange.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return transport_error("ResponseTooLarge", "the answer is larger than the limit");
  }
  const std::string_view said{exchange.error_text.data()};
  const std::string_view what = said.empty() ? std::string_view{curl_easy_strerror(code)} : said;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return transport_error("Timeout", what);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_URL_MALFORMAT:
      return transport_error("ConnectionFailed", what);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return transport_error("TlsFailed", what);
    default:
      return transport_error("ConnectionCut", what);
  }
}

bool is_header_safe(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

// The header as libcurl takes it; false when a name or value would smuggle in a line of its own.
bool set_headers(Exchange& exchange) {
  bool has_content_type = false;
  curl_slist* list = nullptr;
  const auto add = [&list, &exchange](const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    DEPUTY_ASSERT(longer != nullptr);
    if (list == nullptr) exchange.header_lines.reset(longer);
    list = longer;
  };
  for (const auto& [name, value] : exchange.request.headers) {
    if (name.empty() || name.find_first_of(":; ") != std::string::npos || !is_header_safe(name) ||
        !is_header_safe(value)) {
      return false;
    }
    has_content_type = has_content_type || to_lower(name) == "content-type";
    std::string line = value.empty() ? name + ";" : name + ": " + value;
    add(line);
    wipe(line);
  }
  add("Expect:");  // a round trip more for each larger body, and some endpoints never answer it
  if (!has_content_type) add("Content-Type:");
  curl_easy_setopt(exchange.easy.get(), CURLOPT_HTTPHEADER, exchange.header_lines.get());
  return true;
}

void set_method(Exchange& exchange) {
  CURL* easy = exchange.easy.get();
  const std::string& method = exchange.request.method;
  if (method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (exchange.request.body.empty() && method != "POST" && method != "PUT") {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(exchange.request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange.request.body.c_str());
  }
  if (method != "HEAD") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

// As in most HTTP clients: a proxy for the outer world is none for this machine.
bool is_loopback(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view authority =
      url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - scheme - 3);
  const std::string_view host = authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                                           : authority.substr(0, authority.find(':'));
  const bool is_ipv4 = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "[::1]" || (is_ipv4 && host.starts_with("127."));
}

std::string ca_file_of(const CurlTransport::Options& options) {
  if (!options.ca_file.empty()) return options.ca_file;
  for (const char* name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read at the start
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

struct CurlTransport::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop_, Options options_)
      : loop(loop_), options(std::move(options_)), ca_file(ca_file_of(options)) {}

  EventLoop& loop;
  const Options options;
  const std::string ca_file;
  EventLoop::TimerId timer = 0;
  std::unordered_set<int> watched;
  std::unordered_map<CURL*, std::shared_ptr<Exchange>> in_flight;
  std::unique_ptr<CURLM, FreeMulti> multi;  // null once closed

  void open();
  void close();
  bool start(const std::shared_ptr<Exchange>& exchange);
  bool prepare(Exchange& exchange) const;
  void abandon(Exchange& exchange);
  void drive(curl_socket_t socket, int events);
  void harvest();
  void finish(std::shared_ptr<Exchange> exchange, std::optional<Error> failure);

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*);
  static int on_timer(CURLM*, long timeout_ms, void* user);
  static Task<Result<HttpResponse>> send(std::shared_ptr<State> state, HttpRequest request);
};

void CurlTransport::State::open() {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  DEPUTY_ASSERT(initialized == CURLE_OK);
  multi.reset(curl_multi_init());
  DEPUTY_ASSERT(multi != nullptr);
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, &State::on_socket);
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, &State::on_timer);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(options.connections_max));
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_max));
}

bool CurlTransport::State::prepare(Exchange& exchange) const {
  exchange.easy.reset(curl_easy_init());
  CURL* easy = exchange.easy.get();
  DEPUTY_ASSERT(easy != nullptr);
  exchange.response_bytes_max = std::min(options.response_bytes_max, exchange.request.response_bytes_max);
  curl_easy_setopt(easy, CURLOPT_URL, exchange.request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // what was signed is what is sent
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.unix_socket.empty())
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
  if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
  if (exchange.request.direct || is_loopback(exchange.request.url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::max<std::int64_t>(1, exchange.request.connect_timeout.count())));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::max<std::int64_t>(1, exchange.request.timeout.count())));
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(exchange.response_bytes_max));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.error_text.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  set_method(exchange);
  return set_headers(exchange);
}

// True: it is on its way, and the waiter will be resumed.
bool CurlTransport::State::start(const std::shared_ptr<Exchange>& exchange) {
  if (multi == nullptr) {
    exchange->failure = transport_error("Closed", "the transport is closed");
    return false;
  }
  if (!prepare(*exchange)) {
    exchange->failure = Error{ErrorKind::internal, "a request to AWS could not be made",
                              "a header holds a line break or is no name"};
    return false;
  }
  if (const CURLMcode added = curl_multi_add_handle(multi.get(), exchange->easy.get()); added != CURLM_OK) {
    exchange->failure = transport_error("ConnectionFailed", curl_multi_strerror(added));
    return false;
  }
  in_flight.emplace(exchange->easy.get(), exchange);
  return true;
}

// By value: the caller may hold nothing but a reference to the entry that is erased here.
void CurlTransport::State::finish(std::shared_ptr<Exchange> exchange, std::optional<Error> failure) {
  in_flight.erase(exchange->easy.get());
  curl_multi_remove_handle(multi.get(), exchange->easy.get());
  exchange->failure = std::move(failure);
  exchange->done = true;
  // In a later turn, since whoever waits may send again, close or destroy this transport.
  loop.post([exchange] {
    if (exchange->waiting) exchange->waiting.resume();
  });
}

// The waiter was destroyed.
void CurlTransport::State::abandon(Exchange& exchange) {
  if (exchange.easy == nullptr || in_flight.erase(exchange.easy.get()) == 0) return;
  curl_multi_remove_handle(multi.get(), exchange.easy.get());
}

void CurlTransport::State::drive(curl_socket_t socket, int events) {
  if (multi == nullptr) return;
  int running = 0;
  curl_multi_socket_action(multi.get(), socket, events, &running);
  harvest();
}

void CurlTransport::State::harvest() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message does not outlive remove_handle
    const auto found = in_flight.find(message->easy_handle);
    DEPUTY_ASSERT(found != in_flight.end());
    const std::shared_ptr<Exchange> exchange = found->second;
    if (code != CURLE_OK) {
      finish(exchange, to_error(code, *exchange));
      continue;
    }
    long status = 0;
    curl_easy_getinfo(exchange->easy.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange->response.status = static_cast<int>(status);
    finish(exchange, std::nullopt);
  }
}

void CurlTransport::State::close() {
  if (multi == nullptr) return;
  while (!in_flight.empty())
    finish(in_flight.begin()->second, transport_error("Closed", "the transport was closed"));
  for (const int socket : watched) loop.unwatch(socket);
  watched.clear();
  multi.reset();
  if (timer != 0) loop.cancel(std::exchange(timer, 0));
}

int CurlTransport::State::on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
  auto& self = *static_cast<State*>(user);
  if (what == CURL_POLL_REMOVE) {
    if (self.watched.erase(socket) > 0) self.loop.unwatch(socket);
    return 0;
  }
  const EventLoop::Interest interest{.read = (what & CURL_POLL_IN) != 0,
                                     .write = (what & CURL_POLL_OUT) != 0};
  self.watched.insert(socket);
  self.loop.watch(socket, interest, [weak = self.weak_from_this(), socket](EventLoop::Interest ready) {
    const int events = (ready.read ? CURL_CSELECT_IN : 0) | (ready.write ? CURL_CSELECT_OUT : 0);
    if (const auto state = weak.lock()) state->drive(socket, events);
  });
  return 0;
}

int CurlTransport::State::on_timer(CURLM*, long timeout_ms, void* user) {
  auto& self = *static_cast<State*>(user);
  if (self.timer != 0) self.loop.cancel(std::exchange(self.timer, 0));
  if (timeout_ms < 0) return 0;
  self.timer = self.loop.call_after(std::chrono::milliseconds{timeout_ms}, [weak = self.weak_from_this()] {
    const auto state = weak.lock();
    if (!state) return;
    state->timer = 0;
    state->drive(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

Task<Result<HttpResponse>> CurlTransport::State::send(std::shared_ptr<State> state, HttpRequest request) {
  struct Awaiter {
    State& state;
    std::shared_ptr<Exchange> exchange;
    Awaiter(State& state_, std::shared_ptr<Exchange> exchange_)
        : state(state_), exchange(std::move(exchange_)) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      exchange->waiting = {};
      state.abandon(*exchange);
    }
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) const {
      exchange->waiting = waiting;
      return state.start(exchange);
    }
    void await_resume() const noexcept {}
  };
  const auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  Awaiter awaiter{*state, exchange};
  co_await awaiter;
  if (exchange->failure) co_return *std::move(exchange->failure);
  co_return std::move(exchange->response);
}

CurlTransport::CurlTransport(EventLoop& loop, Options options)
    : state_(std::make_shared<State>(loop, std::move(options))) {
  state_->open();
}

CurlTransport::~CurlTransport() {
  close();
}

Task<Result<HttpResponse>> CurlTransport::send(HttpRequest request) {
  return State::send(state_, std::move(request));
}

void CurlTransport::close() {
  state_->close();
}

}  // namespace deputy::aws
