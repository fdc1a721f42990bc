#include "client/credential_cache.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "aws/sigv4.hpp"
#include "json/reader.hpp"

namespace deputy::client {
namespace {

constexpr std::size_t refusal_bytes_max = 4096;
constexpr int format_version = 1;

SecretString to_json(const std::string& key, Timestamp now, const ProcessCredentials& credentials) {
  std::string text = boost::json::serialize(
      boost::json::object{{"version", format_version},
                          {"key", key},
                          {"obtained_at", to_rfc3339(now)},
                          {"expires_at", to_rfc3339(credentials.expires_at)},
                          {"access_key_id", credentials.access_key_id},
                          {"secret_access_key", std::string{credentials.secret_access_key.reveal()}},
                          {"session_token", std::string{credentials.session_token.reveal()}}});
  return SecretString::take(text);
}

std::string take_text(const json::Value& root, std::string_view name) {
  const json::Value* value = root.find(name);
  return value != nullptr && value->is(json::Kind::string) ? value->text : std::string{};
}

struct Kept {
  ProcessCredentials credentials;
  Timestamp obtained_at;
};

// nullopt: it is not what this version writes, or it is another key's.
std::optional<Kept> from_json(const SecretString& text, const std::string& key) {
  const auto root = json::read(text.reveal());
  if (!root) return std::nullopt;
  const auto* version = root.value().find("version");
  if (version == nullptr || version->text != std::to_string(format_version)) return std::nullopt;
  if (take_text(root.value(), "key") != key) return std::nullopt;
  const auto obtained_at = parse_rfc3339(take_text(root.value(), "obtained_at"));
  const auto expires_at = parse_rfc3339(take_text(root.value(), "expires_at"));
  std::string secret = take_text(root.value(), "secret_access_key");
  std::string token = take_text(root.value(), "session_token");
  Kept kept{.credentials = {.access_key_id = take_text(root.value(), "access_key_id"),
                            .secret_access_key = SecretString::take(secret),
                            .session_token = SecretString::take(token)}};
  if (!obtained_at || !expires_at || kept.credentials.access_key_id.empty() ||
      kept.credentials.secret_access_key.empty() || kept.credentials.session_token.empty())
    return std::nullopt;
  kept.credentials.expires_at = expires_at.value();
  kept.obtained_at = obtained_at.value();
  return kept;
}

std::int64_t to_number(std::chrono::steady_clock::time_point time) {
  return time.time_since_epoch().count();
}

// A refusal is left in the lock's file for those who wait for it: when, which exit status, which message.
void leave_refusal(const FileDescriptor& lock, const Refusal& refusal,
                   std::chrono::steady_clock::time_point now) {
  const std::string text =
      fmt::format("{} {}\n{}", to_number(now), refusal.status, refusal.message.substr(0, refusal_bytes_max));
  if (::ftruncate(lock.get(), 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(lock.get(), text.data(), text.size(), 0);
}

// The refusal that another process got after `since`, while this one waited for it.
std::optional<Refusal> refusal_since(const FileDescriptor& lock,
                                     std::chrono::steady_clock::time_point since) {
  std::array<char, refusal_bytes_max + 64> buffer{};
  const ssize_t got = ::pread(lock.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return std::nullopt;
  std::int64_t at = 0;
  Refusal refusal;
  const char* const end = buffer.data() + got;
  const auto [after_time, no_time] = std::from_chars(buffer.data(), end, at);
  if (no_time != std::errc{} || after_time == end || at < to_number(since)) return std::nullopt;
  const auto [after_status, no_status] = std::from_chars(after_time + 1, end, refusal.status);
  if (no_status != std::errc{} || after_status == end || refusal.status == 0) return std::nullopt;
  refusal.message.assign(after_status + 1, end);
  return refusal;
}

}  // namespace

std::string cache_key(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += fmt::format("{}:{}", part.size(), part);
  std::string key = aws::sha256_hex(all);
  wipe(all);
  return key;
}

CredentialCache::CredentialCache(PrivateFolder folder, const Clock& clock, Random& random,
                                 std::function<void(std::chrono::milliseconds)> pause, Limits limits)
    : folder_(std::move(folder)), clock_(clock), random_(random), pause_(std::move(pause)), limits_(limits) {}

Obtained CredentialCache::get(const std::string& key, const std::function<Obtained()>& ask,
                              const std::function<void(const Error&)>& warn) {
  if (auto kept = find(key, warn)) return *std::move(kept);
  const auto began = clock_.steady_now();
  const auto turn = wait_for_turn(key + ".lock");
  if (turn.has_error()) {
    warn(turn.error());
    return ask();
  }
  if (!turn.value()) return ask();  // whoever has the turn is slower than all patience
  if (auto kept = find(key, warn)) return *std::move(kept);
  if (auto refusal = refusal_since(*turn.value(), began)) return *std::move(refusal);
  auto obtained = ask();
  if (obtained)
    keep(key, obtained.value(), warn);
  else
    leave_refusal(*turn.value(), obtained.error(), clock_.steady_now());
  return obtained;
}

// Held until the descriptor is closed. nullopt: it was not to be had in time.
Result<std::optional<FileDescriptor>> CredentialCache::wait_for_turn(const std::string& name) const {
  const auto until = clock_.steady_now() + limits_.join_max;
  for (;;) {
    DEPUTY_TRY(auto lock, folder_.open_lock(name));
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return Error{ErrorKind::internal,
                     "the file system of " + in_backticks(folder_.path().native()) + " has no locks"};
      if (clock_.steady_now() >= until) return std::optional<FileDescriptor>{};
      pause_(limits_.poll);
    }
    // Somebody may have swept it away between the opening and the lock.
    if (folder_.is_current(lock, name)) return std::optional{std::move(lock)};
  }
}

std::optional<ProcessCredentials> CredentialCache::find(const std::string& key,
                                                        const std::function<void(const Error&)>& warn) const {
  const auto text = folder_.read(key + ".json");
  if (text.has_error()) {
    warn(text.error());
    return std::nullopt;
  }
  if (!text.value()) return std::nullopt;
  auto kept = from_json(*text.value(), key);
  const Timestamp now = clock_.now();
  // Before it was obtained the clock has been set back, and nobody knows how long it still lives.
  if (!kept || kept->credentials.expires_at < now + limits_.life_min || now < kept->obtained_at)
    return std::nullopt;
  return std::move(kept->credentials);
}

void CredentialCache::keep(const std::string& key, const ProcessCredentials& credentials,
                           const std::function<void(const Error&)>& warn) const {
  const Timestamp now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  folder_.sweep(now);
  const Timestamp useless_at = credentials.expires_at - limits_.life_min;
  if (useless_at <= now) return;
  const auto kept = folder_.replace(key + ".json", to_json(key, now, credentials), useless_at, random_);
  if (kept.has_error()) warn(kept.error());
}

}  // namespace deputy::client
