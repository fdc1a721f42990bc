#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "json/reader.hpp"
#include "sandbox/call.hpp"
#include "sandbox/services.hpp"

// What the operations of CloudWatch Logs share: reading their input strictly, and finding groups.
namespace deputy::sandbox::log_input {

Fault invalid(std::string message);
Fault no_such_group();
Fault limit_exceeded(std::string message);

std::optional<Fault> refuse_all_but(const json::Value& input, std::initializer_list<std::string_view> known);
Outcome<std::optional<std::string>> optional_text(const json::Value& input, std::string_view name);
Outcome<std::string> text(const json::Value& input, std::string_view name);
Outcome<std::optional<std::int64_t>> number(const json::Value& input, std::string_view name);
Outcome<std::size_t> page_size(const json::Value& input, std::int64_t otherwise, std::int64_t most);
// `logGroupName`, well formed.
Outcome<std::string> group_name(const json::Value& input);

std::optional<Fault> denied_on_group(const World& world, const Call& call, std::string_view name,
                                     std::string_view rest = "*");
// nullptr when there is none.
LogGroup* find_group(const Call& call, std::string_view name);

}  // namespace deputy::sandbox::log_input

namespace deputy::sandbox {

// logs_filter.cpp
Outcome<Reply> filter_log_events(World& world, const Call& call, const json::Value& input);

}  // namespace deputy::sandbox
