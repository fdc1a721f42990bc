#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/answer.hpp"

namespace deputy::sandbox {

struct Tag {
  std::string key;
  std::string value;
};

// The parameters of one call of AWS's query protocol: `Action=…&Version=…&Tags.member.1.Key=…`.
class Parameters {
 public:
  // Refuses broken escapes and parameters that are given twice.
  static Outcome<Parameters> read(std::string_view form);

  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name, std::string_view otherwise = {}) const;
  // `ValidationError` in AWS's words when it is missing or empty.
  Outcome<std::string> required(std::string_view name) const;
  // A whole number within [least, most], or `otherwise` when it is absent.
  Outcome<long long> number(std::string_view name, long long otherwise, long long least,
                            long long most) const;
  // The values of `NAME.member.1`, `NAME.member.2`, …
  std::vector<std::string> list(std::string_view name) const;
  // `NAME.member.N.FIRST` and `NAME.member.N.SECOND`; the second may be absent.
  std::vector<std::pair<std::string, std::optional<std::string>>> pairs(std::string_view name,
                                                                        std::string_view first,
                                                                        std::string_view second) const;
  // At most 50 of them, keys 1–128, values up to 256 characters, no key twice without regard to case.
  Outcome<std::vector<Tag>> tags(std::string_view name = "Tags") const;

  // What the sandbox does not know it must not ignore: everything but `known` (a name before `.member` stands
  // for all below it) is refused.
  std::optional<Fault> refuse_all_but(std::initializer_list<std::string_view> known) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

Fault validation_error(std::string message);
// AWS's wording: "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: Member must …".
Fault constraint_error(std::string_view value, std::string_view member, std::string_view constraint);

}  // namespace deputy::sandbox
