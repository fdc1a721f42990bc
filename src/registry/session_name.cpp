#include "registry/session_name.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sodium.h>

#include "core/assert.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t mark_length = 10;

// Fifty bits of a hash of the whole name.
std::string mark_of(std::string_view workload) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(workload.data()),
                     workload.size(), nullptr, 0);
  std::string mark;
  for (std::size_t i = 0; i < mark_length; ++i) mark += alphabet[hash[i] % alphabet.size()];
  return mark;
}

}  // namespace

bool is_reserved_caller(std::string_view name) {
  return name == admin_caller || name == verify_caller || name == logs_caller;
}

Result<SessionName> production_session_name(const ConnectionId& connection, std::string_view workload,
                                            std::string_view suffix) {
  const std::string tail = suffix.empty() ? std::string{} : "." + std::string{suffix};
  const std::string head = connection.text() + "@";
  constexpr std::size_t cut_min = 1 + 1 + mark_length;
  const std::size_t taken = head.size() + tail.size();
  const std::size_t room = session_name_length_max - std::min(session_name_length_max, taken);
  if (workload.size() <= room) return SessionName::parse(head + std::string{workload} + tail);
  if (room < cut_min)
    return Error{ErrorKind::invalid_request,
                 fmt::format("a session name's suffix has at most {} characters for this workload",
                             session_name_length_max - head.size() - 1 - std::min(cut_min, workload.size()))}
        .with_field("session_name");
  std::string cut{workload.substr(0, room - 1 - mark_length)};
  cut += "=" + mark_of(workload);
  return SessionName::parse(head + cut + tail);
}

SessionName production_session_name(const ConnectionId& connection, std::string_view workload) {
  auto name = production_session_name(connection, workload, {});
  DEPUTY_ASSERT(name.has_value());
  return std::move(name).value();
}

std::string assumed_role_arn(const RoleArn& role, const SessionName& session) {
  return "arn:" + std::string{to_text(role.partition())} + ":sts::" + role.account().text() +
         ":assumed-role/" + std::string{role.name()} + "/" + session.text();
}

}  // namespace deputy::registry
