#include "http/service.hpp"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <fmt/format.h>
#include <utility>

#include "core/assert.hpp"
#include "http/session.hpp"

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

// A quarter of the shortest time-out, between 5 ms and a second.
std::chrono::milliseconds sweep_period(const ServerOptions& options) {
  const auto shortest = std::min({options.header_timeout, options.body_timeout, options.idle_timeout,
                                  options.write_timeout, options.linger_timeout});
  return std::clamp<std::chrono::milliseconds>(shortest / 4, 5ms, 1s);
}

std::vector<Lane> lanes_of(const ServerOptions& options) {
  if (!options.lanes.empty()) return options.lanes;
  return {{"all", options.requests_in_flight_max, options.requests_in_flight_max}};
}

std::uint64_t draw_secret() {
  std::uint64_t secret = 0;
  SystemRandom{}.fill(std::as_writable_bytes(std::span{&secret, 1}));
  return secret;
}

Response plain_error(int status) {
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = fmt::format("{} {}\n", status, std::string_view{reason.data(), reason.size()});
  return response;
}

}  // namespace

void BufferedRandom::fill(std::span<std::byte> bytes) {
  if (bytes.size() > block_.size()) return source_.fill(bytes);
  if (bytes.size() > block_.size() - used_) {
    source_.fill(block_);
    used_ = 0;
  }
  std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(used_), bytes.size(), bytes.begin());
  used_ += bytes.size();
}

Service::Service(AsioLoop& loop_, ServerOptions options_, Handler handler_)
    : loop(loop_),
      options(std::move(options_)),
      handler(std::move(handler_)),
      readiness(loop),
      admission(lanes_of(options), options.lane_of, draw_secret()),
      sweep_period_(sweep_period(options)) {}

void Service::enter(std::shared_ptr<Session> session) {
  session->place = sessions.size();
  sessions.push_back(std::move(session));
  if (!std::exchange(sweeping_, true)) sweep_later();
}

void Service::leave(Session& session) {
  DEPUTY_ASSERT(sessions.at(session.place).get() == &session);
  const auto leaving = std::move(sessions[session.place]);
  if (session.place + 1 < sessions.size()) {
    sessions.back()->place = session.place;
    sessions[session.place] = std::move(sessions.back());
  }
  sessions.pop_back();
  tell_if_quiet();
}

// The longest idle of a few drawn at random: nearly as good as of all, at the cost of a few.
bool Service::evict_idle() {
  constexpr std::size_t draws = 16;
  Session* longest = nullptr;
  auto since = std::chrono::steady_clock::now() - options.idle_protected;
  for (std::size_t i = 0; i < draws && !sessions.empty(); ++i) {
    std::uint32_t number = 0;
    random.fill(std::as_writable_bytes(std::span{&number, 1}));
    Session& drawn = *sessions[number % sessions.size()];
    const auto idle_since = drawn.idle_since();
    if (!idle_since || *idle_since >= since) continue;
    longest = &drawn;
    since = *idle_since;
  }
  if (longest == nullptr) return false;
  ++counts.idle_evicted;
  longest->finish();
  return true;
}

void Service::request_done(Admission::Place place) {
  DEPUTY_ASSERT(requests_in_flight > 0);
  --requests_in_flight;
  admission.leave(place);
  tell_if_quiet();
}

void Service::tell_if_quiet() const {
  if (on_quiet && sessions.empty() && requests_in_flight == 0) on_quiet();
}

std::string Service::draw_request_id() {
  constexpr std::size_t characters = 24;
  return "req_" + random_base32(random, characters);
}

Response Service::error_response(int status, std::string_view request_id) const {
  Response response =
      options.error_response ? options.error_response(status, request_id) : plain_error(status);
  const bool may_try_again = status == 503 || status == 429;
  if (may_try_again && response.headers.count("Retry-After") == 0) response.headers.add("Retry-After", "1");
  return response;
}

// One timer for all connections: a time-out then costs a request nothing but noting the time.
void Service::sweep() {
  const auto now = std::chrono::steady_clock::now();
  // From the end: a session that leaves is replaced by one that was looked at already.
  for (std::size_t i = sessions.size(); i-- > 0;) sessions[i]->check_deadline(now);
  sweeping_ = !sessions.empty();
  if (sweeping_) sweep_later();
}

void Service::sweep_later() {
  loop.call_after(sweep_period_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->sweep();
  });
}

}  // namespace deputy::http
