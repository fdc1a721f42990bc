#pragma once

#include <optional>
#include <utility>

#include "registry/registry.hpp"

// Private to the registry: running work in a transaction and handing its value out, and finding what must
// exist.
namespace deputy::registry {

template <class Work>
auto in_write(Store& store, Work work) -> decltype(work(std::declval<Transaction&>())) {
  using Outcome = decltype(work(std::declval<Transaction&>()));
  if constexpr (std::is_same_v<Outcome, Result<void>>) {
    return store.write(work);
  } else {
    std::optional<typename Outcome::value_type> value;
    DEPUTY_TRY(store.write([&](Transaction& tx) -> Result<void> {
      value.reset();
      DEPUTY_TRY(auto made, work(tx));
      value.emplace(std::move(made));
      return success();
    }));
    return *std::move(value);
  }
}

template <class Work>
auto in_read(Store& store, Work work) -> decltype(work(std::declval<Transaction&>())) {
  using Outcome = decltype(work(std::declval<Transaction&>()));
  std::optional<typename Outcome::value_type> value;
  DEPUTY_TRY(store.read([&](Transaction& tx) -> Result<void> {
    value.reset();
    DEPUTY_TRY(auto found, work(tx));
    value.emplace(std::move(found));
    return success();
  }));
  return *std::move(value);
}

// The value, or `not_found` in words that are the same for what never existed and for what the asker may not
// see.
template <class T>
Result<T> required(Result<std::optional<T>> found, std::string_view noun) {
  DEPUTY_TRY(auto value, std::move(found));
  if (!value) return Error{ErrorKind::not_found, "no such " + std::string{noun}};
  return *std::move(value);
}

// An entry for an act that was done; `detail` is a JSON object.
inline journal::Entry entry_of(const Actor& actor, Timestamp at, std::string act, std::string subject,
                               std::string tenant, std::string detail = "{}") {
  journal::Entry entry;
  entry.at = at;
  entry.actor = actor;
  entry.act = std::move(act);
  entry.subject = std::move(subject);
  entry.tenant = std::move(tenant);
  entry.outcome = journal::Outcome::done;
  entry.detail = std::move(detail);
  return entry;
}

// Was the connection's last verification made as this partner principal? What was proved for another one says
// nothing: the role may trust this one without the external ID.
inline Result<bool> is_last_verified_for(Transaction& tx, const Connection& connection,
                                         const RoleArn& partner_principal) {
  if (!connection.last_verification) return false;
  DEPUTY_TRY(const auto last, tx.find_verification(connection.id, connection.last_verification->id));
  return last && last->partner_principal == partner_principal;
}

// Neither revoked nor expired.
bool is_usable(const Key& key, Timestamp now);

// How long a repeated request is known for one. What is older goes when the next is noted.
inline constexpr std::chrono::hours idempotency_kept{24};

// Makes an object at most once per idempotency key: `find` loads what the first request made, `make` makes it
// and returns it with its identifier's text.
template <class T, class Find, class Make>
Result<Created<T>> created_once(Transaction& tx, const std::optional<Idempotency>& once, Timestamp now,
                                Find find, Make make) {
  if (once) {
    DEPUTY_TRY(const auto earlier, tx.find_idempotency(once->scope, once->key));
    if (earlier && earlier->fingerprint != once->fingerprint)
      return Error{ErrorKind::idempotency_conflict,
                   "this Idempotency-Key was used for a different request; use a new one"};
    if (earlier) {
      DEPUTY_TRY(auto value, find(earlier->object_id));
      return Created<T>{std::move(value), true};
    }
  }
  DEPUTY_TRY(auto made, make());
  if (once) {
    DEPUTY_TRY(tx.forget_idempotency_before(now - idempotency_kept));
    DEPUTY_TRY(tx.insert_idempotency(*once, made.second, now));
  }
  return Created<T>{std::move(made.first), false};
}

}  // namespace deputy::registry
