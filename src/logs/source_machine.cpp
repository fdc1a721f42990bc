#include "logs/source_machine.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

milliseconds poll_of(const SourceMood& mood, const SourcePlan& plan) {
  return std::clamp(mood.poll, plan.poll_min, plan.poll_max);
}
milliseconds window_of(const SourceMood& mood, const SourcePlan& plan) {
  return mood.window == milliseconds{0} ? plan.window_max
                                        : std::clamp(mood.window, plan.window_min, plan.window_max);
}

// Rescans wait until half an offset's worth of time has come together, so that one call reads again what many
// read first.
milliseconds batch_of(milliseconds offset) {
  return std::max<milliseconds>(offset / 2, milliseconds{1});
}

// When the stretch behind a rescan mark is due; nullopt while there is none.
std::optional<EventTime> rescan_due_at(const SourceProgress& progress, const SourcePlan& plan,
                                       std::size_t i) {
  const EventTime mark = progress.rescanned[i];
  if (mark >= progress.high_water) return std::nullopt;
  return mark + plan.rescan_offsets[i] + batch_of(plan.rescan_offsets[i]);
}

OpenWindow open(EventTime begin, EventTime end, EventTime now) {
  return {.begin = begin, .end = end, .begun = now, .done_end = end, .next_token = {}, .token_at = now};
}

// How long to wait after so many failures in a row, with full jitter.
milliseconds pause(const SourcePlan& plan, int failures, Random& random) {
  auto ceiling = plan.retry_base;
  for (int i = 1; i < failures && ceiling < plan.retry_max; ++i) ceiling *= 2;
  return full_jitter(random, std::min(ceiling, plan.retry_max)) + milliseconds{1};
}

void note(SourceProgress& progress, std::string code, std::string message, EventTime now) {
  progress.last_error = SourceError{std::move(code), std::move(message), now};
}

// The token is what a refused parameter was, where there is one: all else of the request was taken before.
bool token_is_refused(const SourceProgress& progress, const aws::AwsError& error) {
  return error.error_class == aws::AwsErrorClass::invalid_request && progress.window &&
         !progress.window->next_token.empty();
}

// A page of few and large events is larger than what is taken over the network: fewer are asked for. With
// other parameters, so the window begins anew.
void ask_for_less(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan, EventTime now) {
  const int before = mood.page_events == 0 ? page_events_max : mood.page_events;
  if (before == 1 || !progress.window) return;
  mood.page_events = before / 2;
  progress.window->next_token.clear();
  take_up_window(*progress.window, plan, now);
  mood.not_before = {};
}

}  // namespace

EventTime due_at(const SourceProgress& progress, const SourceMood& mood, const SourcePlan& plan) {
  if (progress.window) return mood.not_before;
  EventTime due = progress.high_water + poll_of(mood, plan);
  for (std::size_t i = 0; i < progress.rescanned.size(); ++i)
    if (const auto rescan = rescan_due_at(progress, plan, i)) due = std::min(due, *rescan);
  return std::max(due, mood.not_before);
}

milliseconds lag(const SourceProgress& progress, EventTime now) {
  return std::max(milliseconds{0}, now - progress.high_water);
}

bool reads_little(const SourceProgress& progress, const SourceMood& mood, const SourcePlan& plan,
                  EventTime now) {
  if (!mood.known || mood.recent_events > plan.quiet_events_max || mood.recent_bytes > plan.quiet_bytes_max ||
      lag(progress, now) > plan.quiet_lag_max)
    return false;
  const auto window = progress.window ? progress.window : next_window(progress, mood, plan, now);
  // Where nothing is due yet nothing is read.
  return !window || (window->next_token.empty() && window->end > progress.high_water);
}

std::optional<OpenWindow> next_window(const SourceProgress& progress, const SourceMood& mood,
                                      const SourcePlan& plan, EventTime now) {
  DEPUTY_ASSERT(!progress.window && progress.status == SourceStatus::active);
  DEPUTY_ASSERT(progress.rescanned.size() == plan.rescan_offsets.size());
  // What is new goes first, but for rescans that are overdue by their own length: a group that is always
  // behind must not put its late events off for ever.
  const bool polls = now - progress.high_water >= poll_of(mood, plan);
  const milliseconds length = window_of(mood, plan);
  const EventTime new_end = std::min(now, progress.high_water + length);
  // The first of a quiet group is a part of its poll, and no call of its own: however late that poll is.
  const bool quiet = polls && mood.recent_events <= plan.quiet_events_max && !progress.rescanned.empty() &&
                     new_end == now &&
                     progress.high_water - progress.rescanned[0] <= plan.rescan_offsets[0] * 3;
  std::optional<std::size_t> rescan;
  bool overdue = false;
  for (std::size_t i = quiet ? 1 : 0; i < progress.rescanned.size(); ++i) {
    const auto due = rescan_due_at(progress, plan, i);
    if (!due || *due > now) continue;
    if (!rescan) rescan = i;
    if (*due + batch_of(plan.rescan_offsets[i]) <= now) {
      overdue = true;
      rescan = i;
      break;
    }
  }
  if (polls && !overdue) return open(quiet ? progress.rescanned[0] : progress.high_water, new_end, now);
  if (!rescan) return std::nullopt;
  const EventTime begin = progress.rescanned[*rescan];
  const EventTime end = std::min({progress.high_water, now - plan.rescan_offsets[*rescan], begin + length});
  if (end <= begin) return std::nullopt;
  return open(begin, end, now);
}

void take_up_window(OpenWindow& window, const SourcePlan& plan, EventTime now) {
  if (!window.next_token.empty() && now - window.token_at < plan.token_age_max) return;
  window.next_token.clear();
  window.begun = now;
  window.done_end = window.end;
  window.pages = 0;
}

bool take_page(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan, const PageSummary& page) {
  DEPUTY_ASSERT(progress.window.has_value());
  OpenWindow& window = *progress.window;
  // The high-water mark never passes AWS's own time: its first answer says what that was at least.
  if (window.pages == 0) {
    window.done_end = std::min(window.done_end, page.date);
    window.begun = std::min(window.begun, page.date);
  }
  ++window.pages;
  window.found += page.new_events;
  const bool reads_again = window.begin < progress.high_water;
  progress.events += page.new_events;
  progress.rescan_events += page.late_events;
  progress.message_bytes += page.message_bytes;
  progress.last_success = page.date;
  progress.last_error.reset();
  mood.failures = 0;
  mood.not_before = {};
  mood.known = true;
  mood.recent_events += page.new_events;
  mood.recent_bytes += page.message_bytes;
  if (!page.next_token.empty()) {
    window.next_token = page.next_token;
    window.token_at = page.date;
    return false;
  }

  const OpenWindow done = *std::exchange(progress.window, std::nullopt);
  ++progress.polls;
  if (reads_again) ++progress.rescans;
  const bool is_new = done.end > progress.high_water;
  if (done.begin <= progress.high_water) progress.high_water = std::max(progress.high_water, done.done_end);
  for (std::size_t i = 0; i < progress.rescanned.size(); ++i) {
    EventTime& mark = progress.rescanned[i];
    if (done.begin <= mark)
      mark = std::max(mark, std::min(done.done_end, done.begun - plan.rescan_offsets[i]));
  }
  if (mood.page_events > 0 && mood.page_events < page_events_max) mood.page_events *= 2;
  if (is_new) {
    mood.poll = done.found > 0 ? poll_of(mood, plan) / 2 : poll_of(mood, plan) * 2;
    if (done.found == 0) {
      mood.recent_events /= 2;
      mood.recent_bytes /= 2;
    }
    // Half of what a window may hold: the next may be longer again.
    if (done.found < plan.window_events_max / 4 && mood.window != milliseconds{0})
      mood.window = window_of(mood, plan) * 2;
  }
  return true;
}

EventTime settled_before(const SourceProgress& progress) {
  EventTime settled = progress.high_water;
  for (const EventTime mark : progress.rescanned) settled = std::min(settled, mark);
  return settled;
}

FailureStep take_failure(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan,
                         const aws::AwsError& error, EventTime now, Random& random) {
  using aws::AwsErrorClass;
  if (token_is_refused(progress, error)) {
    progress.window->next_token.clear();
    take_up_window(*progress.window, plan, now);
    ++mood.failures;
    mood.not_before = now + pause(plan, mood.failures, random);
    return FailureStep::restart_window;
  }
  note(progress, error.code, error.message, now);
  ++mood.failures;
  mood.not_before = now + pause(plan, mood.failures, random);
  switch (error.error_class) {
    case AwsErrorClass::throttled:
      return FailureStep::retry_throttled;
    case AwsErrorClass::not_found:
      progress.status = SourceStatus::not_found;
      return FailureStep::suspend;
    case AwsErrorClass::access_denied:
      progress.status = SourceStatus::denied;
      mood.not_before = now + plan.denied_retry;
      return FailureStep::suspend;
    case AwsErrorClass::caller_credentials:
      return FailureStep::renew_credentials;
    default:
      if (error.code == "ResponseTooLarge") ask_for_less(progress, mood, plan, now);
      if (error.code == "InvalidOperationException") {
        progress.status = SourceStatus::infrequent_access;
        return FailureStep::suspend;
      }
      return FailureStep::retry;
  }
}

void take_trouble(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan, const Error& error,
                  EventTime now, Random& random) {
  note(progress, std::string{code_of(error.kind)}, error.message, now);
  ++mood.failures;
  mood.not_before = now + pause(plan, mood.failures, random);
}

bool take_discovery(SourceProgress& progress, SourceMood& mood, EventTime group_created,
                    std::string_view log_class, EventTime now, const SourcePlan& plan) {
  bool changed = false;
  if (progress.group_created != group_created) {
    // The marks stay: what was read was read by the group's name, whichever group that was. What the new one
    // has with times before them arrived late, and is found by the rescans.
    progress.group_created = group_created;
    ++progress.recreations;
    changed = true;
  }
  SourceStatus status = progress.status;
  if (log_class == "INFREQUENT_ACCESS") {
    status = SourceStatus::infrequent_access;
  } else if (status == SourceStatus::not_found || status == SourceStatus::infrequent_access) {
    status = SourceStatus::active;
  } else if (status == SourceStatus::denied && mood.not_before <= now) {
    mood.not_before = now + plan.denied_retry;
    status = SourceStatus::active;
  }
  if (status != progress.status) {
    if (status == SourceStatus::active) mood.not_before = {};
    progress.status = status;
    changed = true;
  }
  return changed;
}

}  // namespace deputy::logs
