#pragma once

#include <cstddef>
#include <string_view>

// What AWS documents about condition keys, as far as the analyzer may rely on it. A key that is not listed
// may be absent, may be anything, and may have several values.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
namespace deputy::policy {

enum class ValueKind {
  text,          // anything
  external_id,   // 2–1,224 of [A-Za-z0-9_+=,.@:/-]
  session_name,  // 2–64 of [A-Za-z0-9_+=,.@-]: session names and source identities
  account,       // twelve digits
  number,
  instant,
  address,
  boolean,
};

struct KeyFacts {
  ValueKind kind = ValueKind::text;
  bool always_present = false;
  bool never_present = false;
  bool single_valued = false;
};

// `key` in any casing.
KeyFacts facts_about(std::string_view key);

// The characters and lengths (in characters) of a kind that is a set of texts. An empty alphabet: any
// character.
struct TextDomain {
  std::string_view alphabet;
  std::size_t length_min = 1;
  std::size_t length_max = 0;  // 0: unbounded
};
TextDomain text_domain(ValueKind kind);

// Whether a request can carry this value under a key of the kind.
bool admits(ValueKind kind, std::string_view value);

// A value that reads well in a witness.
std::string_view sample(ValueKind kind);

}  // namespace deputy::policy
