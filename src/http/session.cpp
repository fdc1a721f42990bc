#include "http/session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <ctime>
#include <exception>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

#include "core/assert.hpp"
#include "core/error.hpp"
#include "core/secret.hpp"
#include "http/service.hpp"

namespace deputy::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Writes what the socket takes of both, from `offset` on. Negative: an error, in errno.
ssize_t send_from(int descriptor, std::string_view first, std::string_view second, std::size_t offset) {
  const std::string_view head = first.substr(std::min(offset, first.size()));
  const std::string_view tail = second.substr(offset > first.size() ? offset - first.size() : 0);
  std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                             iovec{const_cast<char*>(tail.data()), tail.size()}};
  msghdr message{};
  message.msg_iov = head.empty() ? parts.data() + 1 : parts.data();
  message.msg_iovlen = static_cast<std::size_t>(head.empty() ? 0 : 1) + (tail.empty() ? 0U : 1U);
  for (;;) {
    const ssize_t sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

}  // namespace

Session::Session(std::shared_ptr<Service> service, int descriptor, std::string remote_address)
    : service_(std::move(service)),
      socket_(service_->loop.context()),
      remote_address_(std::move(remote_address)),
      reader_({.header_bytes_max = service_->options.header_bytes_max,
               .body_bytes_max = service_->options.body_bytes_max}) {
  // The family matters to Asio only for what it is not asked to do (open, endpoints).
  socket_.assign(asio::generic::stream_protocol{AF_INET, IPPROTO_TCP}, descriptor);
  service_->enter(*this);
}

Session::~Session() {
  close();
}

void Session::start() {
  enter(Phase::header, service_->options.header_timeout);
  read();
}

void Session::start_refused() {
  refused_ = true;
  ++service_->sessions_refused;
  refuse(503);
}

void Session::enter(Phase phase, std::chrono::milliseconds timeout) {
  phase_ = phase;
  deadline_ = std::chrono::steady_clock::now() + timeout;
}

void Session::check_deadline(Time now) {
  if (now < deadline_) return;
  const auto self = shared_from_this();
  switch (phase_) {
    case Phase::idle:
      return close();
    case Phase::header:
      return reader_.between_requests() ? close() : refuse(408);
    case Phase::body:
      return refuse(408);
    case Phase::writing:
    case Phase::lingering:
      return cut();
    case Phase::handling:
    case Phase::closed:
      return;
  }
}

void Session::finish() {
  keep_alive_ = false;
  if ((phase_ == Phase::idle || phase_ == Phase::header) && reader_.between_requests()) close();
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────

void Session::read() {
  if (std::exchange(reading_, true)) return;
  const bool drops = phase_ == Phase::lingering;
  const std::span<char> space = drops ? std::span<char>{service_->dropped} : reader_.space();
  socket_.async_read_some(asio::buffer(space.data(), space.size()),
                          [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                            self->on_read(error, bytes);
                          });
}

void Session::on_read(const error_code& error, std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::closed || phase_ == Phase::writing) return;
  if (error) return close();
  if (phase_ == Phase::lingering) return read();
  reader_.received(bytes);
  advance();
}

// Goes on with what has been received. A loop, not a recursion: a handler may answer within `dispatch`, and a
// client may have sent many requests at once.
void Session::advance() {
  if (std::exchange(advancing_, true)) return;
  while (step()) continue;
  advancing_ = false;
}

bool Session::step() {
  if (phase_ != Phase::idle && phase_ != Phase::header && phase_ != Phase::body) return false;
  switch (reader_.advance()) {
    case RequestReader::Progress::needs_more:
      expect_more();
      return false;
    case RequestReader::Progress::wants_continue:
      return send_continue();
    case RequestReader::Progress::refused:
      refuse(reader_.refusal());
      return false;
    case RequestReader::Progress::complete:
      dispatch();
      return true;
  }
  return false;
}

void Session::expect_more() {
  if (reader_.in_body()) {
    if (!charge_body()) return refuse(503);
    if (phase_ != Phase::body) enter(Phase::body, service_->options.body_timeout);
  } else if (reader_.between_requests()) {
    if (service_->draining) return close();
  } else if (phase_ == Phase::idle) {
    enter(Phase::header, service_->options.header_timeout);
  }
  read();
}

// Counts what has come of the body against all bodies' bound.
bool Session::charge_body() {
  const std::size_t more = reader_.body_bytes() - charged_bytes_;
  if (more > service_->options.bodies_bytes_max - service_->bodies_bytes) return false;
  service_->bodies_bytes += more;
  charged_bytes_ += more;
  return true;
}

bool Session::send_continue() {
  constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  if (send_from(socket_.native_handle(), line, {}, 0) == static_cast<ssize_t>(line.size())) return true;
  close();
  return false;
}

// ── Answering ───────────────────────────────────────────────────────────────────────────────────────────

void Session::dispatch() {
  if (!charge_body()) return refuse(503);
  Request request = reader_.take();
  keep_alive_ = reader_.keep_alive() && !service_->draining;
  to_head_ = request.method == "HEAD";
  phase_ = Phase::handling;
  deadline_ = Time::max();
  if (service_->requests_in_flight >= service_->options.requests_in_flight_max) {
    return send(service_->error_response(503, service_->draw_request_id()));
  }
  request.remote_address = remote_address_;
  request.request_id = service_->draw_request_id();
  ++service_->requests_in_flight;
  service_->tasks.spawn(answer(shared_from_this(), std::move(request)));
}

// What an exception says goes to the log, clipped; the client gets a bare 500.
Task<void> Session::answer(std::shared_ptr<Session> session, Request request) {
  Service& service = *session->service_;
  const std::string request_id = request.request_id;
  std::optional<Response> response;
  try {
    response = co_await service.handler(std::move(request));
  } catch (const std::exception& exception) {
    spdlog::error("http: {}: a handler threw {}", request_id, in_backticks(exception.what()));
  } catch (...) {
    spdlog::error("http: {}: a handler threw what is no std::exception", request_id);
  }
  if (!response) response = service.error_response(500, request_id);
  service.request_done();
  session->respond(*std::move(response));
}

void Session::respond(Response response) {
  if (phase_ != Phase::handling) return;  // cut meanwhile
  if (response.status == 0) return close();
  send(std::move(response));
}

void Session::refuse(int status) {
  keep_alive_ = false;
  to_head_ = false;
  send(service_->error_response(status, service_->draw_request_id()));
}

void Session::send(Response response) {
  response_ = std::move(response);
  keep_alive_ = keep_alive_ && !response_.close_connection && !service_->draining;
  const ResponseFrame frame{
      .to_head = to_head_, .keep_alive = keep_alive_, .date = service_->date.at(std::time(nullptr))};
  if (!write_header(response_, frame, header_)) {
    spdlog::error("http: a handler's response has a status or a field that cannot be sent");
    response_ = Response{};
    response_.status = 500;
    DEPUTY_ASSERT(write_header(response_, frame, header_));
  }
  if (!sends_body(response_, frame)) response_.body.clear();
  sent_ = 0;
  enter(Phase::writing, service_->options.write_timeout);
  write();
}

void Session::write() {
  const std::size_t total = header_.size() + response_.body.size();
  while (sent_ < total) {
    const ssize_t sent = send_from(socket_.native_handle(), header_, response_.body, sent_);
    if (sent >= 0) {
      sent_ += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) return close();
    socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](const error_code& error) {
      if (self->phase_ != Phase::writing) return;
      if (error) return self->close();
      self->write();
    });
    return;
  }
  written();
}

void Session::written() {
  wipe(response_.body);  // it may have held credentials
  response_ = Response{};
  service_->bodies_bytes -= std::exchange(charged_bytes_, 0);
  if (!keep_alive_) return linger();
  enter(Phase::idle, service_->options.idle_timeout);
  advance();
}

// Ends our side and waits for the client to end its own: closing with bytes unread would reset the
// connection, and the client might lose the answer. RFC 9112, 9.6.
void Session::linger() {
  error_code error;
  socket_.shutdown(asio::socket_base::shutdown_send, error);
  if (error) return close();
  enter(Phase::lingering, service_->options.linger_timeout);
  read();
}

void Session::cut() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
  close();
}

void Session::close() {
  if (std::exchange(phase_, Phase::closed) == Phase::closed) return;
  error_code ignored;
  socket_.close(ignored);
  wipe(response_.body);
  service_->bodies_bytes -= std::exchange(charged_bytes_, 0);
  if (refused_) --service_->sessions_refused;
  service_->leave(*this);
}

}  // namespace deputy::http
