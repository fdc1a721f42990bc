#include <fmt/format.h>

#include "registry/registry.hpp"
#include "registry/unit_of_work.hpp"

// What the partner is told of, from the change itself to the end of its delivery.
namespace deputy::registry {
namespace {

std::optional<WebhookEventType> event_of(ConnectionState state) {
  switch (state) {
    case ConnectionState::active:
      return WebhookEventType::active;
    case ConnectionState::rejected:
      return WebhookEventType::rejected;
    case ConnectionState::suspended:
      return WebhookEventType::suspended;
    case ConnectionState::in_review:
      return WebhookEventType::in_review;
    case ConnectionState::disconnected:
      return WebhookEventType::disconnected;
    case ConnectionState::awaiting_role:
    case ConnectionState::verifying:
      break;
  }
  return std::nullopt;
}

// Every text in it is of a closed alphabet: nothing has to be escaped.
std::string body_of(const WebhookEvent& event, const Connection& before, const Connection& after) {
  const std::string account = after.account_id ? '"' + after.account_id->text() + '"' : "null";
  return fmt::format(
      R"({{"id":"{}","type":"{}","created_at":"{}","data":{{"connection_id":"{}","tenant_id":"{}",)"
      R"("integration":"{}","integration_version":{},"account_id":{},"state":"{}","previous_state":"{}",)"
      R"("proof":"{}"}}}})",
      event.id.text(), to_text(event.type), to_rfc3339_millis(event.created_at), after.id.text(),
      after.tenant_id.text(), after.integration.text(), after.integration_version, account,
      to_text(after.state), to_text(before.state), to_text(after.proof));
}

journal::Entry lost_entry(std::string act, const WebhookEvent& event, Timestamp now) {
  auto entry = entry_of(Actor{"system", "webhooks", ""}, now, std::move(act), event.connection_id.text(),
                        event.tenant_id.text(),
                        fmt::format(R"({{"event":"{}","type":"{}","attempts":{}}})", event.id.text(),
                                    to_text(event.type), event.attempts));
  entry.outcome = journal::Outcome::failed;
  return entry;
}

}  // namespace

Result<void> Registry::write_connection(Transaction& tx, const Connection& before, const Connection& after,
                                        Timestamp now) {
  DEPUTY_TRY(tx.update(after));
  if (!settings_.webhook_events_kept) return success();
  if (before.external_id != after.external_id) {
    DEPUTY_TRY(write_event(tx, WebhookEventType::rotated, before, after, now));
  }
  const auto type = before.state == after.state ? std::nullopt : event_of(after.state);
  return type ? write_event(tx, *type, before, after, now) : success();
}

Result<void> Registry::write_event(Transaction& tx, WebhookEventType type, const Connection& before,
                                   const Connection& after, Timestamp now) {
  DEPUTY_TRY(const std::size_t waiting, tx.count_webhook_events());
  if (waiting >= webhook_events_max) {
    DEPUTY_TRY(const auto oldest, tx.oldest_webhook_event());
    if (oldest) {
      DEPUTY_TRY(tx.remove(*oldest));
      DEPUTY_TRY(tx.append(lost_entry("webhook.dropped", *oldest, now)));
      ++webhook_counts_.dropped;
    }
  }
  WebhookEvent event{.id = WebhookEventId::draw(random_),
                     .type = type,
                     .connection_id = after.id,
                     .tenant_id = after.tenant_id,
                     .body = {},
                     .created_at = now,
                     .expires_at = now + *settings_.webhook_events_kept,
                     .next_attempt_at = now};
  event.body = body_of(event, before, after);
  DEPUTY_TRY(tx.insert(event));
  events_written_ = true;
  return success();
}

void Registry::announce_events() {
  if (events_written_.exchange(false) && settings_.on_webhook_event) settings_.on_webhook_event();
}

Result<std::vector<WebhookEvent>> Registry::claim_webhook_events(std::size_t limit,
                                                                 std::chrono::milliseconds lease) {
  const Timestamp now = clock_.now();
  std::uint64_t expired = 0;
  auto taken_up = in_write(store_, [&](Transaction& tx) -> Result<std::vector<WebhookEvent>> {
    expired = 0;
    DEPUTY_TRY(auto due, tx.due_webhook_events(now, limit));
    std::vector<WebhookEvent> claimed;
    for (WebhookEvent& event : due) {
      if (event.expires_at <= now) {
        DEPUTY_TRY(tx.remove(event));
        DEPUTY_TRY(tx.append(lost_entry("webhook.expired", event, now)));
        ++expired;
        continue;
      }
      ++event.attempts;
      event.next_attempt_at = now + lease;
      DEPUTY_TRY(tx.update(event));
      claimed.push_back(std::move(event));
    }
    return claimed;
  });
  if (taken_up) webhook_counts_.expired += expired;
  return taken_up;
}

Result<std::optional<Timestamp>> Registry::earliest_webhook_due() {
  return in_read(store_, [](Transaction& tx) { return tx.earliest_webhook_due(); });
}

Result<void> Registry::webhook_delivered(const WebhookEventId& id) {
  ++webhook_counts_.taken;
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(const auto event, tx.find_webhook_event(id));
    return event ? tx.remove(*event) : success();
  });
}

Result<void> Registry::webhook_failed(const WebhookEventId& id, Timestamp retry_at, bool answered) {
  ++(answered ? webhook_counts_.refused : webhook_counts_.unanswered);
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto event, tx.find_webhook_event(id));
    if (!event) return success();
    event->next_attempt_at = retry_at;
    return tx.update(*event);
  });
}

}  // namespace deputy::registry
