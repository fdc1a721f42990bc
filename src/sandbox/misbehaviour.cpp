#include "sandbox/misbehaviour.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "json/reader.hpp"
#include "sandbox/answer.hpp"

namespace deputy::sandbox {
namespace {

using Kind = Disturbance::Kind;
constexpr std::size_t disturbances_max = 100;
constexpr std::size_t buckets_max = 100'000;

constexpr std::array<std::pair<std::string_view, Kind>, 9> kinds{{
    {"throttle", Kind::throttle},
    {"late", Kind::late},
    {"server_error", Kind::server_error},
    {"cut_connection", Kind::cut_connection},
    {"malformed_answer", Kind::malformed_answer},
    {"propagation", Kind::propagation},
    {"visibility", Kind::visibility},
    {"short_page", Kind::short_page},
    {"refuse_token", Kind::refuse_token},
}};

Error wrong(const json::Member& member, std::string_view what) {
  return {ErrorKind::invalid_request,
          fmt::format("{} {}{}", in_backticks(member.name), what, json::at(member.value.position))};
}

Result<double> read_number(const json::Member& member, double least, double most) {
  double number = 0;
  const std::string& text = member.value.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!member.value.is(json::Kind::number) || error != std::errc{} || end != text.data() + text.size() ||
      !(number >= least) || !(number <= most))
    return wrong(member, fmt::format("is not a number from {} to {}", least, most));
  return number;
}

Result<void> read_text(const json::Member& member, std::string& text) {
  if (!member.value.is(json::Kind::string)) return wrong(member, "is not a string");
  text = member.value.text;
  return success();
}

Result<void> read_member(const json::Member& member, Disturbance& disturbance) {
  constexpr double day_ms = 86'400'000;
  if (member.name == "service") return read_text(member, disturbance.service);
  if (member.name == "operation") return read_text(member, disturbance.operation);
  if (member.name == "account") return read_text(member, disturbance.account);
  if (member.name == "kind") {
    const auto found = std::ranges::find(kinds, std::string_view{member.value.text},
                                         &std::pair<std::string_view, Kind>::first);
    if (!member.value.is(json::Kind::string) || found == kinds.end())
      return wrong(member,
                   "is not one of `throttle`, `late`, `server_error`, `cut_connection`, `malformed_answer`, "
                   "`propagation`, `visibility`, `short_page`, `refuse_token`");
    disturbance.kind = found->second;
    return success();
  }
  if (member.name == "probability") {
    DEPUTY_TRY(disturbance.probability, read_number(member, 0, 1));
  } else if (member.name == "per_second") {
    DEPUTY_TRY(disturbance.per_second, read_number(member, 0, 1e6));
  } else if (member.name == "count") {
    DEPUTY_TRY(const double count, read_number(member, 0, 1e9));
    disturbance.count = static_cast<std::uint64_t>(count);
  } else if (member.name == "delay_ms") {
    DEPUTY_TRY(const double delay, read_number(member, 0, day_ms));
    disturbance.delay = std::chrono::milliseconds{static_cast<std::int64_t>(delay)};
  } else if (member.name == "status") {
    DEPUTY_TRY(const double status, read_number(member, 500, 599));
    disturbance.status = static_cast<int>(status);
  } else {
    return wrong(member, "is not known");
  }
  return success();
}

bool matches(const std::string& wanted, std::string_view actual) {
  return wanted.empty() || wanted == actual;
}

}  // namespace

Result<Misbehaviour> read_misbehaviour(std::string_view text) {
  DEPUTY_TRY(const json::Value root, json::read(text));
  if (!root.is(json::Kind::object))
    return Error{ErrorKind::invalid_request, "the misbehaviour is not an object"};
  Misbehaviour misbehaviour;
  for (const json::Member& member : root.members) {
    if (member.name != "disturbances") return wrong(member, "is not known");
    if (!member.value.is(json::Kind::array) || member.value.elements.size() > disturbances_max)
      return wrong(member, fmt::format("is not a list of {} at most", disturbances_max));
    for (const json::Value& element : member.value.elements) {
      if (!element.is(json::Kind::object) || !element.find("kind"))
        return Error{ErrorKind::invalid_request,
                     "a disturbance is an object with a `kind`" + json::at(element.position)};
      Disturbance disturbance;
      for (const json::Member& part : element.members) {
        DEPUTY_TRY(read_member(part, disturbance));
      }
      misbehaviour.disturbances.push_back(std::move(disturbance));
    }
  }
  return misbehaviour;
}

std::string to_json(const Misbehaviour& misbehaviour) {
  boost::json::array disturbances;
  for (const Disturbance& disturbance : misbehaviour.disturbances) {
    const auto kind = std::ranges::find(kinds, disturbance.kind, &std::pair<std::string_view, Kind>::second);
    boost::json::object object{{"kind", kind->first}, {"probability", disturbance.probability}};
    if (!disturbance.service.empty()) object["service"] = disturbance.service;
    if (!disturbance.operation.empty()) object["operation"] = disturbance.operation;
    if (!disturbance.account.empty()) object["account"] = disturbance.account;
    if (disturbance.count) object["count"] = *disturbance.count;
    if (disturbance.kind == Kind::throttle) object["per_second"] = disturbance.per_second;
    if (disturbance.kind == Kind::server_error) object["status"] = disturbance.status;
    if (disturbance.delay.count() > 0) object["delay_ms"] = disturbance.delay.count();
    disturbances.push_back(std::move(object));
  }
  return to_text(boost::json::object{{"disturbances", std::move(disturbances)}});
}

void Mischief::set(Misbehaviour misbehaviour) {
  misbehaviour_ = std::move(misbehaviour);
  buckets_.clear();
}

bool Mischief::takes_effect(Disturbance& disturbance) {
  constexpr std::uint64_t fine = 1'000'000;
  if (disturbance.count && *disturbance.count == 0) return false;
  if (disturbance.probability < 1.0 &&
      static_cast<double>(uniform(random_, fine)) >= disturbance.probability * static_cast<double>(fine))
    return false;
  if (disturbance.count) --*disturbance.count;
  return true;
}

// A bucket that holds one second's worth, at least one call's.
bool Mischief::over_rate(std::size_t index, const Disturbance& disturbance, const std::string& key) {
  const double full = std::max(1.0, disturbance.per_second);
  if (disturbance.per_second <= 0) return true;
  const auto now = clock_.steady_now();
  // Forgetting them all lets a second's worth of calls through; growing without end would be worse.
  if (buckets_.size() >= buckets_max) buckets_.clear();
  Bucket& bucket = buckets_.try_emplace({index, key}, Bucket{full, now}).first->second;
  const double elapsed = std::chrono::duration<double>(now - bucket.filled_at).count();
  bucket.tokens = std::min(full, bucket.tokens + elapsed * disturbance.per_second);
  bucket.filled_at = now;
  if (bucket.tokens < 1.0) return true;
  bucket.tokens -= 1.0;
  return false;
}

Mischief::Effects Mischief::strike(std::string_view service, std::string_view operation,
                                   std::string_view account) {
  Effects effects;
  for (std::size_t i = 0; i < misbehaviour_.disturbances.size(); ++i) {
    Disturbance& disturbance = misbehaviour_.disturbances[i];
    if (!matches(disturbance.service, service) || !matches(disturbance.operation, operation) ||
        !matches(disturbance.account, account))
      continue;
    if (disturbance.kind == Kind::throttle &&
        !over_rate(i, disturbance, fmt::format("{}/{}/{}", service, operation, account)))
      continue;
    if (!takes_effect(disturbance)) continue;
    switch (disturbance.kind) {
      case Kind::throttle:
        effects.throttled = true;
        break;
      case Kind::late:
        effects.answer_after += disturbance.delay;
        break;
      case Kind::server_error:
        effects.server_error = disturbance.status;
        break;
      case Kind::cut_connection:
        effects.cut = true;
        break;
      case Kind::malformed_answer:
        effects.malformed = true;
        break;
      case Kind::propagation:
        effects.propagation += disturbance.delay;
        break;
      case Kind::visibility:
        effects.visibility += disturbance.delay;
        break;
      case Kind::short_page:
        effects.short_page = true;
        break;
      case Kind::refuse_token:
        effects.refuse_token = true;
        break;
    }
  }
  return effects;
}

}  // namespace deputy::sandbox
