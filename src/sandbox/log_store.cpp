#include "sandbox/log_store.hpp"

#include <algorithm>

namespace deputy::sandbox {
namespace {

constexpr std::size_t name_length_max = 512;

}  // namespace

bool is_log_group_name(std::string_view name) {
  return !name.empty() && name.size() <= name_length_max && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{".-_/#"}.find(c) != std::string_view::npos;
  });
}

bool is_log_stream_name(std::string_view name) {
  return !name.empty() && name.size() <= name_length_max &&
         name.find_first_of(":*") == std::string_view::npos;
}

LogGroup* add_log_group(World& world, Account& account, std::string_view region, std::string_view name,
                        std::string_view log_class) {
  if (!account.log_groups.contains(region) && account.log_groups.size() >= Bounds::log_regions)
    return nullptr;
  auto& groups = account.log_groups[std::string{region}];
  if (groups.size() >= Bounds::log_groups_per_region) return nullptr;
  LogGroup& group = groups[std::string{name}];
  group.name = name;
  group.log_class = log_class;
  group.arn = account.arn("logs", "log-group:" + group.name, region);
  group.created_at = world.clock.now();
  return &group;
}

LogStream* add_log_stream(World& world, LogGroup& group, std::string_view name) {
  if (group.streams.size() >= Bounds::streams_per_group) return nullptr;
  LogStream& stream = group.streams[std::string{name}];
  stream.name = name;
  stream.created_at = world.clock.now();
  return &stream;
}

bool add_log_event(World& world, LogGroup& group, LogStream& stream, std::int64_t timestamp_ms,
                   std::string message, std::chrono::milliseconds visible_after) {
  if (world.events >= Bounds::events || world.event_bytes + message.size() > Bounds::event_bytes)
    return false;
  const auto now_ms =
      std::chrono::floor<std::chrono::milliseconds>(world.clock.now().time_since_epoch()).count();
  world.events += 1;
  world.event_bytes += message.size();
  group.stored_bytes += message.size() + event_overhead_bytes;
  LogEvent event{.timestamp_ms = timestamp_ms,
                 .ingestion_ms = now_ms,
                 .visible_ms = now_ms + visible_after.count(),
                 .number = ++world.events_ever,
                 .message = std::move(message)};
  const auto place = std::ranges::upper_bound(stream.events, event.order(), {}, &LogEvent::order);
  stream.events.insert(place, std::move(event));
  return true;
}

bool remove_log_group(World& world, Account& account, std::string_view region, std::string_view name) {
  const auto groups = account.log_groups.find(region);
  if (groups == account.log_groups.end()) return false;
  const auto group = groups->second.find(name);
  if (group == groups->second.end()) return false;
  for (const auto& [stream_name, stream] : group->second.streams) {
    world.events -= stream.events.size();
    for (const LogEvent& event : stream.events) world.event_bytes -= event.message.size();
  }
  groups->second.erase(group);
  return true;
}

}  // namespace deputy::sandbox
