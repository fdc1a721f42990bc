#include "core/identifiers.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace deputy {
namespace {

constexpr std::size_t drawn_length = 24;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_word(char c) {
  return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

// The characters of IAM role and session names: [\w+=,.@-], ASCII only.
bool is_iam_name_character(char c) {
  return is_word(c) || std::string_view{"+=,.@-"}.find(c) != std::string_view::npos;
}

std::string printable(char c) {
  if (c > 0x20 && c < 0x7f) return fmt::format("`{}`", c);
  if (c == ' ') return "a space";
  if (c == '\n') return "a newline";
  if (static_cast<unsigned char>(c) >= 0x80)
    return "a character that is not ASCII (perhaps a look-alike letter)";
  return fmt::format("the control character 0x{:02x}", static_cast<unsigned char>(c));
}

Error arn_error(std::string what) {
  return Error{ErrorKind::role_arn_invalid, "not the ARN of an IAM role: " + std::move(what) +
                                                "; it looks like `arn:aws:iam::123456789012:role/NAME`"}
      .with_field("role_arn");
}

// Blanks that were copied along stand at an end, where nobody sees them.
std::string place_of(std::size_t index, std::size_t size) {
  if (index == 0) return "its beginning";
  return index + 1 == size ? "its end" : fmt::format("position {}", index + 1);
}

// The first character that no ARN may contain, by position; nothing if all are fine.
std::optional<Error> foreign_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= 0x20 || c >= 0x7f) return arn_error(printable(c) + " at " + place_of(i, text.size()));
    if (c == '*' || c == '?')
      return arn_error(fmt::format("the wildcard `{}` at position {}; one exact role is needed", c, i + 1));
  }
  return std::nullopt;
}

std::optional<Error> wrong_resource(std::string_view service, std::string_view resource) {
  const std::string_view type = resource.substr(0, resource.find('/'));
  if (service == "sts" && type == "assumed-role")
    return arn_error("it names a session of a role (`assumed-role`); give the role itself");
  if (service != "iam") return arn_error("the service is " + in_backticks(service) + ", not `iam`");
  if (resource == "root") return arn_error("it names the whole account (`root`)");
  if (type == "user") return arn_error("it names a user; a role is needed");
  if (type != "role" || resource.size() == type.size())
    return arn_error("it names " + in_backticks(type) + ", not `role/NAME`");
  return std::nullopt;
}

// `rest` is what follows `role/`: the path's inner part, if any, and the name.
std::optional<Error> wrong_path_or_name(std::string_view rest) {
  constexpr std::size_t path_length_max = 512;
  constexpr std::size_t name_length_max = 64;
  const std::size_t slash = rest.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
  if (name.empty()) return arn_error("the role's name is missing");
  if (name.size() > name_length_max) return arn_error("the role's name is longer than 64 characters");
  if (const auto bad = std::ranges::find_if_not(name, is_iam_name_character); bad != name.end())
    return arn_error(printable(*bad) + " in the role's name");
  if (slash == std::string_view::npos) return std::nullopt;
  if (slash + 2 > path_length_max) return arn_error("the role's path is longer than 512 characters");
  std::string_view path = rest.substr(0, slash);
  if (const auto bad = path.find_first_of(":$\\"); bad != std::string_view::npos)
    return arn_error(printable(path[bad]) + " in the role's path");
  for (;;) {
    const std::size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    if (segment.empty() || segment == "." || segment == "..")
      return arn_error("the role's path has the segment " + in_backticks(segment));
    if (end == std::string_view::npos) return std::nullopt;
    path.remove_prefix(end + 1);
  }
}

constexpr std::string_view role_marker = ":role/";

std::string_view article_of(std::string_view noun) {
  return std::string_view{"aeiou"}.find(noun.front()) == std::string_view::npos ? "a" : "an";
}

}  // namespace

namespace detail {

bool is_identifier(std::string_view text, std::string_view prefix) {
  if (text.size() != prefix.size() + drawn_length || !text.starts_with(prefix)) return false;
  return std::ranges::all_of(text.substr(prefix.size()),
                             [](char c) { return is_lower(c) || (c >= '2' && c <= '7'); });
}

std::string draw_identifier(Random& random, std::string_view prefix) {
  return std::string{prefix} + random_base32(random, drawn_length);
}

Error identifier_error(std::string_view text, std::string_view noun, std::string_view prefix) {
  return {ErrorKind::invalid_request, fmt::format("{} is not {} {}: it looks like `{}…`", in_backticks(text),
                                                  article_of(noun), noun, prefix)};
}

bool is_name(std::string_view text) {
  constexpr std::size_t length_max = 63;
  if (text.empty() || text.size() > length_max || !is_lower(text.front()) || text.back() == '-') return false;
  if (text.find("--") != std::string_view::npos) return false;
  return std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

Error name_error(std::string_view text, std::string_view noun) {
  return {
      ErrorKind::invalid_request,
      fmt::format("{} is not {} {}: write a lower-case letter, then lower-case letters, digits and single "
                  "hyphens, 63 characters at most",
                  in_backticks(text), article_of(noun), noun)};
}

}  // namespace detail

std::string_view to_text(Partition partition) {
  switch (partition) {
    case Partition::aws:
      return "aws";
    case Partition::aws_us_gov:
      return "aws-us-gov";
    case Partition::aws_cn:
      return "aws-cn";
  }
  return "aws";
}

Result<Partition> parse_partition(std::string_view text) {
  for (const Partition partition : {Partition::aws, Partition::aws_us_gov, Partition::aws_cn}) {
    if (text == to_text(partition)) return partition;
  }
  return Error{ErrorKind::invalid_request,
               in_backticks(text) + " is not one of the partitions `aws`, `aws-us-gov`, `aws-cn`"};
}

Result<AccountId> AccountId::parse(std::string_view text) {
  if (text.size() != 12 || !std::ranges::all_of(text, is_digit))
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not an AWS account ID: it has exactly 12 digits"};
  return AccountId{std::string{text}};
}

Result<Region> Region::parse(std::string_view text) {
  const auto wrong = [&] {
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not an AWS Region: it looks like `eu-central-1`"};
  };
  constexpr std::size_t length_max = 32;
  const std::size_t last_hyphen = text.rfind('-');
  if (text.size() > length_max || last_hyphen == std::string_view::npos) return wrong();
  const std::string_view number = text.substr(last_hyphen + 1);
  const std::string_view place = text.substr(0, last_hyphen);
  if (number.empty() || number.size() > 2 || !std::ranges::all_of(number, is_digit)) return wrong();
  if (place.size() < 4 || place[2] != '-' || place.back() == '-' ||
      place.find("--") != std::string_view::npos)
    return wrong();
  if (!std::ranges::all_of(place, [](char c) { return is_lower(c) || c == '-'; }) || place.front() == '-')
    return wrong();
  if (text.starts_with("us-iso")) return wrong();
  return Region{std::string{text}};
}

Partition Region::partition() const {
  if (text_.starts_with("cn-")) return Partition::aws_cn;
  if (text_.starts_with("us-gov-")) return Partition::aws_us_gov;
  return Partition::aws;
}

RoleArn::RoleArn(std::string text, Partition partition, AccountId account)
    : text_(std::move(text)), partition_(partition), account_(std::move(account)) {}

Result<RoleArn> RoleArn::parse(std::string_view text) {
  constexpr std::size_t length_max = 2048;
  if (text.empty()) return arn_error("it is empty");
  if (text.size() > length_max) return arn_error("it is longer than 2,048 characters");
  if (auto error = foreign_character(text)) return *std::move(error);

  std::string_view parts[6];
  std::string_view rest = text;
  for (int i = 0; i < 5; ++i) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return arn_error("it has fewer than six parts between colons");
    parts[i] = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  parts[5] = rest;
  if (parts[0] != "arn") return arn_error("it does not begin with `arn:`");
  const auto partition = parse_partition(parts[1]);
  if (!partition)
    return arn_error("the partition " + in_backticks(parts[1]) +
                     " is not one of `aws`, `aws-us-gov`, `aws-cn`");
  if (auto error = wrong_resource(parts[2], parts[5])) return *std::move(error);
  if (!parts[3].empty()) return arn_error("IAM ARNs have no Region, this one has " + in_backticks(parts[3]));
  auto account = AccountId::parse(parts[4]);
  if (!account) return arn_error("the account " + in_backticks(parts[4]) + " is not 12 digits");
  if (auto error = wrong_path_or_name(parts[5].substr(std::string_view{"role/"}.size())))
    return *std::move(error);
  return RoleArn{std::string{text}, partition.value(), std::move(account).value()};
}

std::string_view RoleArn::path() const {
  const std::string_view text = text_;
  const std::size_t begin = text.find(role_marker) + role_marker.size() - 1;
  return text.substr(begin, text.rfind('/') + 1 - begin);
}

std::string_view RoleArn::name() const {
  return std::string_view{text_}.substr(text_.rfind('/') + 1);
}

Result<ExternalId> ExternalId::parse(std::string_view text) {
  constexpr std::size_t length_min = 2;
  constexpr std::size_t length_max = 1224;
  if (text.size() < length_min || text.size() > length_max)
    return Error{ErrorKind::invalid_request, "an external ID has 2 to 1,224 characters"};
  const auto allowed = [](char c) { return is_iam_name_character(c) || c == ':' || c == '/'; };
  if (const auto bad = std::ranges::find_if_not(text, allowed); bad != text.end())
    return Error{ErrorKind::invalid_request,
                 printable(*bad) + " cannot be part of an external ID: letters, digits and `_+=,.@:/-` can"};
  return ExternalId{std::string{text}};
}

Result<SessionName> SessionName::parse(std::string_view text) {
  constexpr std::size_t length_min = 2;
  constexpr std::size_t length_max = 64;
  if (text.size() < length_min || text.size() > length_max ||
      !std::ranges::all_of(text, is_iam_name_character))
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not a session name: 2 to 64 letters, digits and `_+=,.@-`"};
  return SessionName{std::string{text}};
}

}  // namespace deputy
