#pragma once

#include <chrono>

#include "sandbox/state.hpp"

namespace deputy::sandbox {

// Rules that the seed and CloudWatch Logs share.

inline constexpr std::size_t event_overhead_bytes = 26;  // what CloudWatch Logs counts for each event

// 1–512 of `[.\-_/#A-Za-z0-9]`.
bool is_log_group_name(std::string_view name);
// 1–512 characters, neither `:` nor `*`.
bool is_log_stream_name(std::string_view name);

// REQUIRES: there is none of this name in the Region. nullptr when the Region is full, or there are too many
// Regions.
LogGroup* add_log_group(World& world, Account& account, std::string_view region, std::string_view name,
                        std::string_view log_class);
// REQUIRES: there is none of this name. nullptr when the group is full.
LogStream* add_log_stream(World& world, LogGroup& group, std::string_view name);
// Puts the event in its place in the order; it can be read after `visible_after`. False when the sandbox is
// full.
bool add_log_event(World& world, LogGroup& group, LogStream& stream, std::int64_t timestamp_ms,
                   std::string message,
                   std::chrono::milliseconds visible_after = std::chrono::milliseconds{0});
// With all that is in it. False when there is none.
bool remove_log_group(World& world, Account& account, std::string_view region, std::string_view name);

}  // namespace deputy::sandbox
