#include "logs/collector_state.hpp"

#include <algorithm>

#include "core/assert.hpp"

// What open windows hold, of all and by tenant: their number and their identities in memory. A step has its
// share from its start, before anything is waited for: else all that start at once would find the same room.
namespace deputy::logs {

bool Collector::State::may_start(Line& line, const Feed& feed) {
  if (feed.share != nullptr) return true;
  const TenantId& tenant = feed.source.origin.tenant;
  if (const auto theirs = held.find(tenant.text()); theirs != held.end()) {
    if (theirs->second.identities >= settings.identities_per_tenant_max) return false;
    if (&line == &large && theirs->second.large >= settings.windows_per_tenant_max) return false;
    // Those with little to be read are over soon. A tenant with very many groups needs most of their line;
    // half of it is for others as soon as they come.
    if (&line == &small && theirs->second.small >= std::max<std::size_t>(line.calls_max / 2, 1) &&
        line.waiting.others_wait(tenant)) {
      line.lent.insert(tenant.text());
      return false;
    }
  }
  return true;
}

bool Collector::State::has_room() const {
  return identities + reserved < settings.identities_max;
}

void Collector::State::take_share(Line& line, Feed& feed) {
  if (feed.share != nullptr) return;
  feed.share = &line;
  Held& theirs = held[feed.source.origin.tenant.text()];
  ++(&line == &large ? theirs.large : theirs.small);
  feed.reserved = line.window_events;
  reserved += feed.reserved;
}

void Collector::State::note_identities(const Feed& feed, std::size_t more) {
  identities += more;
  held[feed.source.origin.tenant.text()].identities += more;
}

void Collector::State::give_back_reserved(Feed& feed) {
  reserved -= std::exchange(feed.reserved, 0);
  if (!out_of_room || !has_room()) return;
  out_of_room = false;
  arm(around.clock.steady_now());
}

void Collector::State::forget_seen(Feed& feed) {
  if (!feed.seen) return;
  const std::size_t seen = std::exchange(feed.seen, std::nullopt)->size();
  const auto theirs = held.find(feed.source.origin.tenant.text());
  DEPUTY_ASSERT(theirs != held.end() && theirs->second.identities >= seen);
  identities -= seen;
  theirs->second.identities -= seen;
}

// Gives back all that it holds; the window itself is the source's progress, and is taken up again.
void Collector::State::forget_window(Feed& feed) {
  if (feed.share == nullptr) return;
  forget_seen(feed);
  const std::string& tenant = feed.source.origin.tenant.text();
  const auto theirs = held.find(tenant);
  DEPUTY_ASSERT(theirs != held.end());
  --(feed.share == &large ? theirs->second.large : theirs->second.small);
  if (theirs->second.large + theirs->second.small == 0) held.erase(theirs);
  feed.share = nullptr;
  bool admitted = false;
  for (Line* const line : {&large, &small}) admitted = line->waiting.admit(tenant) || admitted;
  if (admitted) arm(around.clock.steady_now());
  give_back_reserved(feed);
}

}  // namespace deputy::logs
