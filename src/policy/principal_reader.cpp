#include "policy/principal_reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "core/identifiers.hpp"

namespace deputy::policy {
namespace {

bool is_unique_id(std::string_view text) {
  constexpr std::size_t length_min = 16, length_max = 128;
  if (!text.starts_with("AROA") && !text.starts_with("AIDA")) return false;
  return text.size() >= length_min && text.size() <= length_max &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

bool is_graphic(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// The next segment of an ARN; the rest keeps what follows its colon.
std::string_view take_segment(std::string_view& rest) {
  const std::size_t colon = rest.find(':');
  const std::string_view segment = rest.substr(0, colon);
  rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  return segment;
}

// A user, role, role session, federated session or root by its ARN.
std::optional<StatementPrincipal> read_arn(std::string_view text) {
  std::string_view rest = text;
  if (take_segment(rest) != "arn") return std::nullopt;
  const std::string_view partition = take_segment(rest);
  if (!parse_partition(partition)) return std::nullopt;
  const std::string_view service = take_segment(rest);
  if (!take_segment(rest).empty()) return std::nullopt;  // the Region
  const std::string_view account = take_segment(rest);
  if (!AccountId::parse(account)) return std::nullopt;
  if (service == "iam" && rest == "root") {
    return StatementPrincipal{PrincipalType::aws_account, std::string{account}, std::string{partition}};
  }
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos || rest.ends_with('/') || rest.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view kind = rest.substr(0, slash);
  const bool is_session = kind == "assumed-role" || kind == "federated-user";
  const bool known = service == "iam" ? kind == "user" || kind == "role" : service == "sts" && is_session;
  if (!known) return std::nullopt;
  if (kind == "assumed-role" && std::count(rest.begin(), rest.end(), '/') != 2) return std::nullopt;
  return StatementPrincipal{PrincipalType::aws_arn, std::string{text}};
}

std::optional<StatementPrincipal> read_aws(std::string_view text) {
  if (text == "*") return StatementPrincipal{PrincipalType::everyone, {}};
  if (!is_graphic(text) || text.find_first_of("*?$") != std::string_view::npos) return std::nullopt;
  if (AccountId::parse(text)) return StatementPrincipal{PrincipalType::aws_account, std::string{text}};
  if (is_unique_id(text)) return StatementPrincipal{PrincipalType::aws_unique_id, std::string{text}};
  return read_arn(text);
}

bool is_provider_or_service(std::string_view text) {
  return is_graphic(text) && text.find_first_of("*?$") == std::string_view::npos &&
         text.find_first_of(".:") != std::string_view::npos;
}

bool is_canonical_id(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<StatementPrincipal> read_one(std::string_view type, std::string_view text) {
  if (type == "AWS") return read_aws(text);
  if (type == "Service" && is_provider_or_service(text) &&
      text.find_first_of(":/") == std::string_view::npos) {
    return StatementPrincipal{PrincipalType::service, std::string{text}};
  }
  if (type == "Federated" && is_provider_or_service(text)) {
    return StatementPrincipal{PrincipalType::federated, std::string{text}};
  }
  if (type == "CanonicalUser" && is_canonical_id(text)) {
    return StatementPrincipal{PrincipalType::canonical_user, std::string{text}};
  }
  return std::nullopt;
}

std::string_view expectation(std::string_view type) {
  if (type == "AWS") return "`*`, an account ID, or the exact ARN or unique ID of a role or user";
  if (type == "Service") return "a service such as `ec2.amazonaws.com`";
  if (type == "Federated") return "a provider's ARN or domain";
  return "a canonical user ID of 64 hexadecimal digits";
}

}  // namespace

Error invalid_policy(std::string_view reason, json::Position position) {
  return Error{ErrorKind::invalid_request, fmt::format("{}{}", reason, json::at(position))};
}

Result<std::vector<const json::Value*>> read_strings(const json::Value& value, std::string_view what) {
  std::vector<const json::Value*> out;
  if (value.is(json::Kind::array)) {
    for (const json::Value& element : value.elements) out.push_back(&element);
  } else {
    out.push_back(&value);
  }
  if (out.empty()) return invalid_policy(fmt::format("{} is an empty list", what), value.position);
  for (const json::Value* element : out) {
    if (element->is(json::Kind::string)) continue;
    return invalid_policy(
        fmt::format("{} must be a string or a list of strings, not {}", what, json::to_text(element->kind)),
        element->position);
  }
  return out;
}

Result<std::vector<StatementPrincipal>> read_principals(const json::Value& value, std::string_view element) {
  std::vector<StatementPrincipal> out;
  if (value.is(json::Kind::string) && value.text == "*") {
    out.push_back({PrincipalType::everyone, {}});
    return out;
  }
  if (!value.is(json::Kind::object) || value.members.empty()) {
    return invalid_policy(fmt::format("{} must be `*` or an object such as {{\"AWS\": …}}", element),
                          value.position);
  }
  for (const json::Member& member : value.members) {
    const std::string_view type = member.name;
    if (type != "AWS" && type != "Service" && type != "Federated" && type != "CanonicalUser") {
      return invalid_policy(
          fmt::format("unknown principal type {}; known are AWS, Service, Federated, CanonicalUser",
                      in_backticks(type)),
          member.position);
    }
    DEPUTY_TRY(auto texts, read_strings(member.value, fmt::format("{} {}", element, type)));
    for (const json::Value* text : texts) {
      auto principal = read_one(type, text->text);
      if (!principal) {
        return invalid_policy(fmt::format("{} is no {} principal; it must be {}", in_backticks(text->text),
                                          type, expectation(type)),
                              text->position);
      }
      out.push_back(std::move(*principal));
    }
  }
  return out;
}

std::string written(const StatementPrincipal& principal) {
  if (principal.type == PrincipalType::everyone) return "*";
  if (principal.partition.empty()) return principal.value;
  return fmt::format("arn:{}:iam::{}:root", principal.partition, principal.value);
}

std::string_view member_name(PrincipalType type) {
  switch (type) {
    case PrincipalType::service:
      return "Service";
    case PrincipalType::federated:
      return "Federated";
    case PrincipalType::canonical_user:
      return "CanonicalUser";
    default:
      return "AWS";
  }
}

}  // namespace deputy::policy
