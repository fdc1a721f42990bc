#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/reader.hpp"

// The values of policies and requests, each in a form in which comparing is plain.
namespace deputy::policy_spec {

using Texts = std::vector<std::string>;

// A pattern is a row of characters, some of which are wildcards.
struct Symbol {
  std::string character;  // one, in UTF-8
  bool may_be_wild = false;
};
using Pattern = std::vector<Symbol>;

Texts characters_of(std::string_view text);
std::string lower(std::string text);

// Whether the pattern stands for the text: walks the set of places in the text that the pattern can have got
// to.
bool stands_for(const Pattern& pattern, const Texts& characters);
// The same for each of the six parts of an ARN.
bool stands_for_arn(const Pattern& pattern, std::string_view text);
bool is_arn(std::string_view text);  // has six parts

// A text of a policy with its variables put in; nothing when one of them cannot be.
std::optional<Pattern> filled_in(std::string_view text, bool knows_variables, const json::Value& request);
std::string text_of(const Pattern& pattern);
bool has_well_formed_variables(std::string_view text);
bool has_variables(std::string_view text);
// The text without its variables.
std::string outside_variables(std::string_view text);

// The values of a condition key in the request, whatever its casing; nothing when it is not there.
std::optional<Texts> context_values(const json::Value& request, std::string_view key);
// One string member; empty when it is not there.
std::string member_text(const json::Value& value, std::string_view name);

// 18 digits before the point and 18 behind it, so that texts sort as numbers do; for a negative one the sign
// is true.
using Number = std::pair<bool, std::string>;
std::optional<Number> number_of(std::string_view text);
int compare(const Number& a, const Number& b);

// Seconds since 1970 and nine digits of a fraction.
using Moment = std::pair<long long, std::string>;
std::optional<Moment> moment_of(std::string_view text);

// An address or block as its leading bits, `0` and `1`: of 32 for IPv4 and of 128 for IPv6.
struct Block {
  std::size_t width = 32;
  std::string bits;
};
std::optional<Block> block_of(std::string_view text);
std::optional<Block> address_of(std::string_view text);

bool is_base64(const std::string& text);

}  // namespace deputy::policy_spec
