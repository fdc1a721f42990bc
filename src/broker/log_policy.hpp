#pragma once

#include <string_view>

namespace deputy::broker {

// The session policy of every session that collects logs, whoever asks for it: the least of what a role may
// do.
inline constexpr std::string_view log_collecting_policy =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:DescribeLogGroups","logs:FilterLogEvents"],"Resource":"*"}]})";

}  // namespace deputy::broker
