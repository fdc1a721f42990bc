#include <algorithm>
#include <fmt/format.h>

#include "registry/connection_life.hpp"
#include "registry/facts.hpp"
#include "registry/grant_rules.hpp"
#include "registry/registry.hpp"
#include "registry/session_name.hpp"
#include "registry/unit_of_work.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t secret_length = 52;  // base32: 260 random bits
constexpr std::chrono::seconds expires_in_min{1};
constexpr std::chrono::seconds expires_in_max = std::chrono::days{3'650};
constexpr std::chrono::seconds narrowed_expires_in_max = std::chrono::hours{1};

// What one key may have made that is good at a time, for one connection each.
constexpr std::size_t live_keys_of_one_max = 1'000;
// Long enough to see in the list what was just used. With each that comes some go, so that they never pile
// up.
constexpr std::chrono::minutes expired_keys_kept{10};
constexpr std::size_t forgotten_at_once = 20;

Error wrong_field(std::string field, std::string what) {
  return Error{ErrorKind::invalid_request, std::move(what)}.with_field(std::move(field));
}

Result<void> check_new_key(const NewKey& key) {
  if ((key.role == KeyRole::workload) != key.workload.has_value())
    return wrong_field("workload", "a key names a workload exactly when its role is `workload`");
  if (key.connection_id && key.role != KeyRole::workload)
    return wrong_field("connection_id", "only a workload's key can be narrowed to one connection");
  const auto longest = key.connection_id ? narrowed_expires_in_max : expires_in_max;
  if (key.expires_in && (*key.expires_in < expires_in_min || *key.expires_in > longest))
    return wrong_field("expires_in",
                       fmt::format("`expires_in` is 1 to {} seconds for this key", longest.count()));
  return success();
}

Result<void> check_live_keys(Transaction& tx, const KeyId& maker, Timestamp now) {
  DEPUTY_TRY(const auto live, tx.count_live_keys_made_with(maker, now));
  if (live.count < live_keys_of_one_max) return success();
  const auto wait = std::chrono::ceil<std::chrono::seconds>(live.first_expiry.value_or(now) - now);
  return Error{
      ErrorKind::rate_limited,
      fmt::format("{} keys that this key made are good still; use them again, let them expire sooner "
                  "(`expires_in`) or revoke some",
                  live.count)}
      .with_retry_after(std::max(wait, std::chrono::seconds{1}));
}

bool is_good_as_long(const Key& other, const Key& key) {
  return !other.expires_at || (key.expires_at && *other.expires_at >= *key.expires_at);
}

Result<bool> has_another_admin_key(Transaction& tx, const Key& key) {
  PageRequest page{.limit = 200, .after = {}};
  for (;;) {
    DEPUTY_TRY(const auto keys, tx.list_keys(page));
    for (const Key& other : keys.items)
      if (other.role == KeyRole::admin && other.id != key.id && !other.revoked_at &&
          is_good_as_long(other, key))
        return true;
    if (!keys.next_cursor) return false;
    page.after = *keys.next_cursor;
  }
}

// Without an admin's key nobody can make another, so there must be one for as long as there would have been
// without the revocation. Who revokes a key that leaked makes its successor first.
Result<void> check_another_admin_key(Transaction& tx, const Key& key, Timestamp now) {
  if (key.role != KeyRole::admin || !is_usable(key, now)) return success();
  DEPUTY_TRY(const bool has_another, has_another_admin_key(tx, key));
  if (has_another) return success();
  return Error{ErrorKind::conflict,
               key.expires_at
                   ? "no other admin key is good for as long as this one; make another first, with an "
                     "`expires_in` that outlives it or without one"
                   : "this is the last admin key without an expiry, and without an admin key nobody can make "
                     "another; make one first, without `expires_in`"};
}

SecretString draw_secret(Random& random, KeyRole role) {
  std::string text = fmt::format("dpk_{}_{}", to_text(role), random_base32(random, secret_length));
  return SecretString::take(text);
}

std::optional<Timestamp> expiry(const NewKey& key, Timestamp now) {
  if (key.expires_in) return now + *key.expires_in;
  if (key.connection_id) return now + narrowed_expires_in_max;
  return std::nullopt;
}

}  // namespace

Result<Workload> Registry::put_workload(const Actor& actor, Workload workload) {
  if (is_reserved_caller(workload.name.text()))
    return wrong_field("name", "the name " + in_backticks(workload.name.text()) +
                                   " stands for Deputy's own acts; give the workload another");
  DEPUTY_TRY(check_grants(workload.grants));
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Workload> {
    DEPUTY_TRY(tx.put(workload));
    DEPUTY_TRY(tx.append(entry_of(actor, now, "workload.put", workload.name.text(), "",
                                  fmt::format(R"({{"grants":{}}})", workload.grants.size()))));
    return workload;
  });
}

Result<Workload> Registry::workload(const WorkloadName& name) {
  return in_read(store_, [&](Transaction& tx) { return required(tx.find_workload(name), "workload"); });
}

Result<Page<Workload>> Registry::workloads(const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_workloads(page); });
}

Result<Created<CreatedKey>> Registry::create_key(const Actor& actor, NewKey wanted,
                                                 std::optional<Idempotency> once) {
  DEPUTY_TRY(check_new_key(wanted));
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<Created<CreatedKey>> {
    const auto find = [&](const std::string& text) -> Result<CreatedKey> {
      DEPUTY_TRY(const auto id, KeyId::parse(text));
      DEPUTY_TRY(auto found, tx.find_key(id));
      if (!found)
        return Error{ErrorKind::idempotency_conflict,
                     "the key that this request made has expired and was removed; use a new Idempotency-Key"};
      return CreatedKey{*std::move(found), std::nullopt};
    };
    const auto make = [&]() -> Result<std::pair<CreatedKey, std::string>> {
      if (wanted.workload) {
        DEPUTY_TRY(required(tx.find_workload(*wanted.workload), "workload"));
      }
      if (wanted.connection_id) {
        DEPUTY_TRY(const auto connection, required(tx.find_connection(*wanted.connection_id), "connection"));
        DEPUTY_TRY(require_connected(connection));
        DEPUTY_TRY(tx.forget_narrowed_keys_expired_before(now - expired_keys_kept, forgotten_at_once));
      }
      if (wanted.made_with) {
        DEPUTY_TRY(check_live_keys(tx, *wanted.made_with, now));
      }
      Key made{.id = KeyId::draw(random_),
               .role = wanted.role,
               .workload = wanted.workload,
               .connection_id = wanted.connection_id,
               .created_at = now,
               .expires_at = expiry(wanted, now),
               .revoked_at = std::nullopt,
               .last_used_at = std::nullopt,
               .made_with = wanted.made_with};
      SecretString secret = draw_secret(random_, made.role);
      DEPUTY_TRY(tx.insert(made, secret));
      DEPUTY_TRY(tx.append(entry_of(actor, now, "key.created", made.id.text(), "",
                                    fmt::format(R"({{"role":"{}"}})", to_text(made.role)))));
      std::string id = made.id.text();
      return std::pair{CreatedKey{std::move(made), std::move(secret)}, std::move(id)};
    };
    return created_once<CreatedKey>(tx, once, now, find, make);
  });
}

Result<Page<Key>> Registry::keys(const PageRequest& page) {
  return in_read(store_, [&](Transaction& tx) { return tx.list_keys(page); });
}

Result<Key> Registry::key(const KeyId& id) {
  return in_read(store_, [&](Transaction& tx) { return required(tx.find_key(id), "key"); });
}

Result<void> Registry::revoke_key(const Actor& actor, const KeyId& id) {
  const Timestamp now = clock_.now();
  return in_write(store_, [&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto key, required(tx.find_key(id), "key"));
    if (key.revoked_at) return success();
    DEPUTY_TRY(check_another_admin_key(tx, key, now));
    key.revoked_at = now;
    DEPUTY_TRY(tx.update(key));
    return tx.append(entry_of(actor, now, "key.revoked", id.text(), ""));
  });
}

bool is_key_secret(std::string_view text) {
  constexpr std::string_view prefix = "dpk_";
  if (!text.starts_with(prefix) || text.size() <= prefix.size() + secret_length) return false;
  const std::string_view secret = text.substr(text.size() - secret_length);
  const std::string_view role = text.substr(prefix.size(), text.size() - prefix.size() - secret_length);
  const auto is_named = [role](KeyRole each) {
    return role.size() == to_text(each).size() + 1 && role.starts_with(to_text(each)) && role.ends_with('_');
  };
  using enum KeyRole;
  return std::ranges::any_of(std::initializer_list{admin, onboarding, workload, auditor}, is_named) &&
         std::ranges::all_of(secret, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

bool is_usable(const Key& key, Timestamp now) {
  return !key.revoked_at && (!key.expires_at || now < *key.expires_at);
}

namespace {

Error unauthorized() {
  return Error{ErrorKind::unauthorized, "the key is missing, unknown, expired or revoked"};
}

// A key that a workload made with another of its keys ends with that one: who revokes a leaked key also ends
// what was made with it.
struct UsableKey {
  Key key;
  std::optional<Key> maker;
};
Result<std::optional<UsableKey>> usable_key(Transaction& tx, const SecretString& secret, Timestamp now) {
  DEPUTY_TRY(auto found, tx.find_key_by_secret(secret));
  if (!found || !is_usable(*found, now)) return std::optional<UsableKey>{};
  UsableKey usable{*std::move(found), std::nullopt};
  if (!usable.key.made_with) return std::optional{std::move(usable)};
  DEPUTY_TRY(usable.maker, tx.find_key(*usable.key.made_with));
  if (!usable.maker || !is_usable(*usable.maker, now)) return std::optional<UsableKey>{};
  return std::optional{std::move(usable)};
}

bool is_use_due(const Key& key, Timestamp now) {
  return !key.last_used_at || now - *key.last_used_at >= use_noted_every;
}

}  // namespace

namespace {

std::shared_ptr<const Key> usable_in_memory(Facts& facts, const SecretString& secret, Timestamp now) {
  auto key = facts.key(secret);
  if (!key || !is_usable(*key, now)) return nullptr;
  if (!key->made_with) return key;
  const auto maker = facts.key(*key->made_with);
  return maker && is_usable(*maker, now) ? key : nullptr;
}

}  // namespace

std::shared_ptr<const Key> Registry::known_key(const SecretString& secret) {
  const Timestamp now = clock_.now();
  auto key = usable_in_memory(*facts_, secret, now);
  // Of all who use it at that moment one writes it down.
  if (key && is_use_due(*key, now) && facts_->take_noting(*key, now)) return nullptr;
  return key;
}

bool Registry::knows_secret(const SecretString& secret) {
  return usable_in_memory(*facts_, secret, clock_.now()) != nullptr;
}

Result<std::shared_ptr<const Key>> Registry::authenticate(const SecretString& secret) {
  const Timestamp now = clock_.now();
  const auto read = [&] {
    return in_read(store_, [&](Transaction& tx) { return usable_key(tx, secret, now); });
  };
  Facts::Mark mark = facts_->mark();
  DEPUTY_TRY(auto found, read());
  if (!found) return unauthorized();
  if (is_use_due(found->key, now)) {
    // Writing it down dropped the key from memory: it comes back at once, and nobody has to look it up.
    DEPUTY_TRY(note_use(secret, now));
    mark = facts_->mark();
    DEPUTY_TRY(found, read());
    if (!found) return unauthorized();
  }
  auto key = std::make_shared<const Key>(std::move(found->key));
  if (found->maker) facts_->put(mark, std::make_shared<const Key>(*std::move(found->maker)));
  facts_->put(mark, secret, key);
  return key;
}

Result<std::shared_ptr<const Key>> Registry::note_use(const SecretString& secret, Timestamp now) {
  return in_write(store_, [&](Transaction& tx) -> Result<std::shared_ptr<const Key>> {
    DEPUTY_TRY(auto used, usable_key(tx, secret, now));
    if (!used) return unauthorized();
    if (is_use_due(used->key, now)) {
      used->key.last_used_at = now;
      DEPUTY_TRY(tx.update(used->key));
    }
    return std::make_shared<const Key>(std::move(used->key));
  });
}

}  // namespace deputy::registry
