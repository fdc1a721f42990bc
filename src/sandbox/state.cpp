#include "sandbox/state.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace deputy::sandbox {

std::shared_ptr<const Role> RoleHistory::seen(std::chrono::steady_clock::time_point now) {
  forget_superseded(now);
  return states_.front().role;
}

void RoleHistory::change(std::shared_ptr<const Role> role, std::chrono::steady_clock::time_point visible_at) {
  if (states_.size() > Bounds::changes_per_role) states_.erase(states_.begin() + 1);
  // Changes are seen in the order they were made.
  states_.push_back({std::max(visible_at, states_.back().visible_at), std::move(role)});
}

bool RoleHistory::gone(std::chrono::steady_clock::time_point now) const {
  return !states_.back().role && states_.back().visible_at <= now;
}

void RoleHistory::forget_superseded(std::chrono::steady_clock::time_point now) {
  while (states_.size() > 1 && states_[1].visible_at <= now) states_.pop_front();
}

std::string Account::arn(std::string_view service, std::string_view resource, std::string_view region) const {
  return fmt::format("arn:{}:{}:{}:{}:{}", deputy::to_text(partition), service, region, id, resource);
}

std::shared_ptr<const Session> Sessions::find(const std::string& access_key_id) const {
  const auto found = sessions_.find(access_key_id);
  return found == sessions_.end() ? nullptr : found->second;
}

void Sessions::add(std::shared_ptr<const Session> session) {
  if (sessions_.size() >= Bounds::sessions) {
    sessions_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  oldest_first_.push_back(session->access_key_id);
  const std::string key = session->access_key_id;
  sessions_.insert_or_assign(key, std::move(session));
}

Account* World::find_account(std::string_view id) {
  const auto found = accounts.find(id);
  return found == accounts.end() ? nullptr : &found->second;
}

std::shared_ptr<const Role> World::current_role(std::string_view account, std::string_view name) {
  Account* const owner = find_account(account);
  if (!owner) return nullptr;
  const auto found = owner->roles.find(name);
  return found == owner->roles.end() ? nullptr : found->second.current();
}

std::shared_ptr<const Role> World::seen_role(std::string_view account, std::string_view name) {
  Account* const owner = find_account(account);
  if (!owner) return nullptr;
  const auto found = owner->roles.find(name);
  return found == owner->roles.end() ? nullptr : found->second.seen(clock.steady_now());
}

std::string World::draw_id(std::string_view prefix, std::size_t length) {
  std::string id = random_base32(random, length);
  std::ranges::transform(id, id.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return std::string{prefix} + id;
}

std::string World::draw_secret(std::size_t length) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string secret(length, '\0');
  random.fill(std::as_writable_bytes(std::span{secret}));
  for (char& c : secret) c = alphabet[static_cast<unsigned char>(c) & 63U];
  return secret;
}

std::string World::draw_uuid() {
  std::array<unsigned char, 16> bytes{};
  random.fill(std::as_writable_bytes(std::span{bytes}));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace deputy::sandbox
