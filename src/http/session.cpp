#include "http/session.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <exception>
#include <spdlog/spdlog.h>
#include <utility>

#include "core/assert.hpp"
#include "core/error.hpp"
#include "core/secret.hpp"
#include "http/service.hpp"

namespace deputy::http {
namespace {

// What one connection may receive in a turn of the loop before the others have theirs.
constexpr int reads_per_turn = 8;

}  // namespace

Session::Session(std::shared_ptr<Service> service, std::shared_ptr<Channel> channel, Peer peer)
    : service_(std::move(service)),
      channel_(std::move(channel)),
      peer_(std::move(peer)),
      reader_({.header_bytes_max = service_->options.header_bytes_max,
               .body_bytes_max = service_->options.body_bytes_max}) {}

Session::~Session() {
  DEPUTY_ASSERT(phase_ == Phase::closed);
}

bool Session::open() {
  service_->enter(shared_from_this());
  if (service_->readiness.add(channel_->descriptor(), *this)) return true;
  close();
  return false;
}

// Nothing is received, and no buffer taken, before the system tells of bytes.
void Session::start() {
  const bool shakes = channel_->has_handshake();
  enter(shakes ? Phase::handshake : Phase::header,
        shakes ? service_->options.handshake_timeout : service_->options.header_timeout);
  open();
}

void Session::start_refused() {
  refused_ = true;
  ++service_->sessions_refused;
  ++service_->counts.connections_refused;
  if (!open()) return;
  // Before a handshake nothing can be said.
  if (channel_->has_handshake()) return close();
  refuse(503);
}

void Session::enter(Phase phase, std::chrono::milliseconds timeout) {
  phase_ = phase;
  deadline_ = std::chrono::steady_clock::now() + timeout;
}

void Session::check_deadline(Time now) {
  if (now < deadline_) {
    if (phase_ == Phase::idle) reader_.rest();
    return;
  }
  const auto self = shared_from_this();
  switch (phase_) {
    case Phase::idle:
      ++service_->counts.idle_closed;
      return close();
    case Phase::handshake:
      ++service_->counts.handshakes_failed;
      return cut();
    case Phase::header:
      ++service_->counts.too_slow;
      return reader_.between_requests() ? close() : refuse(408);
    case Phase::body:
      ++service_->counts.too_slow;
      return refuse(408);
    case Phase::writing:
      ++service_->counts.not_reading;
      return cut();
    case Phase::lingering:
      return cut();
    case Phase::handling:
    case Phase::closed:
      return;
  }
}

void Session::finish() {
  const auto self = shared_from_this();
  keep_alive_ = false;
  if (phase_ == Phase::handshake) return close();
  if ((phase_ == Phase::idle || phase_ == Phase::header) && reader_.between_requests()) return close();
  const Time soon = std::chrono::steady_clock::now() + service_->options.finish_timeout;
  if (phase_ == Phase::header || phase_ == Phase::body) deadline_ = std::min(deadline_, soon);
}

std::optional<Session::Time> Session::idle_since() const {
  const ServerOptions& options = service_->options;
  if (phase_ == Phase::idle) return deadline_ - options.idle_timeout;
  if (phase_ == Phase::handshake) return deadline_ - options.handshake_timeout;
  if (phase_ == Phase::header && reader_.between_requests()) return deadline_ - options.header_timeout;
  return std::nullopt;
}

void Session::on_ready(Readiness::Ready ready) {
  const auto self = shared_from_this();
  readable_ = readable_ || ready.to_read;
  ended_ = ended_ || ready.ended;
  if (phase_ == Phase::handshake) return shake_hands();
  if (ended_) channel_->note_end();
  if (phase_ == Phase::writing) write();
  if (is_reading()) read();
}

// ── The handshake ───────────────────────────────────────────────────────────────────────────────────────

// One step at a time, elsewhere: meanwhile nothing here touches the channel.
void Session::shake_hands() {
  if (shaking_) return;
  shaking_ = true;
  readable_ = false;
  const bool taken = service_->handshakes->step(
      channel_, [self = shared_from_this()](Channel::Wait wait) { self->on_shaken(wait); });
  if (taken) return;
  shaking_ = false;
  ++service_->counts.handshakes_refused;
  cut();
}

void Session::on_shaken(Channel::Wait wait) {
  shaking_ = false;
  if (phase_ != Phase::handshake) return;
  switch (wait) {
    case Channel::Wait::over:
      ++service_->counts.handshakes_failed;
      return close();
    case Channel::Wait::ready:
      if (readable_) shake_hands();  // more came meanwhile
      return;
    case Channel::Wait::none:
      ++service_->counts.handshakes_done;
      if (channel_->is_resumed()) ++service_->counts.handshakes_resumed;
      enter(Phase::header, service_->options.header_timeout);
      if (ended_) channel_->note_end();
      readable_ = true;  // the first request may have come with the handshake's end
      return read();
  }
}

// ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────

bool Session::is_reading() const {
  return phase_ == Phase::idle || phase_ == Phase::header || phase_ == Phase::body ||
         phase_ == Phase::lingering;
}

void Session::read() {
  if (std::exchange(reading_, true)) return;
  int reads = 0;
  while (readable_ && is_reading() && reads++ < reads_per_turn && read_once()) continue;
  reading_ = false;
  if (readable_ && is_reading()) read_later();
}

bool Session::read_once() {
  const bool drops = phase_ == Phase::lingering;
  const std::span<char> space = drops ? std::span<char>{service_->dropped} : reader_.space();
  const auto moved = channel_->read(space);
  if (moved.wait != Channel::Wait::none) readable_ = false;
  if (drops) {
    ::explicit_bzero(space.data(), moved.bytes);
  } else if (moved.bytes > 0) {
    reader_.received(moved.bytes);
    advance();
  }
  if (moved.wait != Channel::Wait::over) return true;
  if (is_reading()) close();
  return false;
}

void Session::read_later() {
  service_->loop.post([self = shared_from_this()] {
    if (self->is_reading()) self->read();
  });
}

// Goes on with what has been received. A loop, not a recursion: a handler may answer within `dispatch`, and a
// client may have sent many requests at once.
void Session::advance() {
  if (std::exchange(advancing_, true)) return;
  while (step()) continue;
  advancing_ = false;
  if (readable_ && is_reading()) read();
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
  if (channel_->write(line, {}, 0).bytes == line.size()) return true;
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
  request.remote_address = peer_.address;
  request.peer_user_id = peer_.user_id;
  request.request_id = service_->draw_request_id();
  const auto admitted = service_->admission.admit(request);
  if (!admitted.place) return send(service_->error_response(admitted.refusal, request.request_id));
  ++service_->requests_in_flight;
  service_->tasks.spawn(answer(shared_from_this(), std::move(request), *admitted.place));
}

// What an exception says goes to the log, clipped; the client gets a bare 500.
Task<void> Session::answer(std::shared_ptr<Session> session, Request request, Admission::Place place) {
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
  service.request_done(place);
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
    const auto moved = channel_->write(header_, response_.body, sent_);
    sent_ += moved.bytes;
    if (moved.wait == Channel::Wait::over) return close();
    if (moved.wait == Channel::Wait::ready) return;  // told when it takes more
  }
  written();
}

// It may hold credentials, or a cookie.
void Session::forget_response() {
  wipe(response_.body);
  wipe(header_);
}

void Session::written() {
  forget_response();
  response_ = Response{};
  service_->bodies_bytes -= std::exchange(charged_bytes_, 0);
  if (!keep_alive_) return linger();
  enter(Phase::idle, service_->options.idle_timeout);
  advance();
}

// Ends our side and waits for the client to end its own: closing with bytes unread would reset the
// connection, and the client might lose the answer. RFC 9112, 9.6.
void Session::linger() {
  if (!channel_->end_sending()) return close();
  enter(Phase::lingering, service_->options.linger_timeout);
  readable_ = true;
  read();
}

void Session::cut() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  channel_->abort();
  close();
}

void Session::close() {
  if (std::exchange(phase_, Phase::closed) == Phase::closed) return;
  service_->readiness.remove(channel_->descriptor(), *this);
  if (!shaking_) channel_.reset();  // else when the step is done: it uses the descriptor
  forget_response();
  service_->bodies_bytes -= std::exchange(charged_bytes_, 0);
  if (refused_) --service_->sessions_refused;
  service_->leave(*this);
}

}  // namespace deputy::http
