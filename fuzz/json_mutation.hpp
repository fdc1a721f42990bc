#pragma once

#include "policy_spec/choices.hpp"

#include <string>
#include <string_view>

#include "json/reader.hpp"

namespace deputy::fuzz {

// The same JSON with something about it changed: a member dropped or doubled, one part put in another's
// place, a text bent, a word of IAM's language put in. What is no JSON has bytes changed. Never longer than
// `size_max`.
std::string mutated(std::string_view json, policy_spec::Choices& choices, std::size_t size_max);

// JSON on one line.
std::string written(const json::Value& value);

}  // namespace deputy::fuzz
