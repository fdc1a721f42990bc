#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/result.hpp"

// Typed identifiers. Each is made only by parsing (or drawing), so a value of the type is always well formed:
// no code below the edge checks again, and two of them cannot be swapped. All are plain values; none is a
// secret.
namespace deputy {

// ── Deputy's own identifiers: a prefix and 24 random base32 characters, opaque, 28 characters at most
// ────────────────────────────────

// Longest text of any identifier of Deputy's own.
inline constexpr std::size_t identifier_length_max = 30;

namespace detail {
bool is_identifier(std::string_view text, std::string_view prefix);
std::string draw_identifier(Random& random, std::string_view prefix);
Error identifier_error(std::string_view text, std::string_view noun, std::string_view prefix);
Error name_error(std::string_view text, std::string_view noun);
bool is_name(std::string_view text);
}  // namespace detail

template <class Kind>
class Identifier {
 public:
  // `invalid_request` when the text is not this kind's prefix and 24 characters a–z2–7.
  static Result<Identifier> parse(std::string_view text) {
    if (!detail::is_identifier(text, Kind::prefix))
      return detail::identifier_error(text, Kind::noun, Kind::prefix);
    return Identifier{std::string{text}};
  }
  static Identifier draw(Random& random) { return Identifier{detail::draw_identifier(random, Kind::prefix)}; }

  const std::string& text() const { return text_; }
  friend auto operator<=>(const Identifier&, const Identifier&) = default;

 private:
  explicit Identifier(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct TenantKind {
  static constexpr std::string_view prefix = "ten_", noun = "tenant identifier";
};
struct ConnectionKind {
  static constexpr std::string_view prefix = "con_", noun = "connection identifier";
};
struct VerificationKind {
  static constexpr std::string_view prefix = "ver_", noun = "verification identifier";
};
struct KeyKind {
  static constexpr std::string_view prefix = "key_", noun = "key identifier";
};
struct IssuanceKind {
  static constexpr std::string_view prefix = "iss_", noun = "issuance identifier";
};
struct ConnectSessionKind {
  static constexpr std::string_view prefix = "cse_", noun = "connect session identifier";
};
using TenantId = Identifier<TenantKind>;
using ConnectionId = Identifier<ConnectionKind>;
using VerificationId = Identifier<VerificationKind>;
using KeyId = Identifier<KeyKind>;
using IssuanceId = Identifier<IssuanceKind>;
using ConnectSessionId = Identifier<ConnectSessionKind>;

// A name that the partner chooses: a lower-case letter, then lower-case letters, digits and single hyphens;
// 1–63 characters.
template <class Kind>
class Name {
 public:
  static Result<Name> parse(std::string_view text) {
    if (!detail::is_name(text)) return detail::name_error(text, Kind::noun);
    return Name{std::string{text}};
  }
  const std::string& text() const { return text_; }
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  explicit Name(std::string text) : text_(std::move(text)) {}
  std::string text_;
};
struct IntegrationNameKind {
  static constexpr std::string_view noun = "integration name";
};
struct WorkloadNameKind {
  static constexpr std::string_view noun = "workload name";
};
using IntegrationName = Name<IntegrationNameKind>;
using WorkloadName = Name<WorkloadNameKind>;

// ── AWS's identifiers
// ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

// Partitions do not trust each other's principals.
enum class Partition { aws, aws_us_gov, aws_cn };
std::string_view to_text(Partition partition);  // `aws`, `aws-us-gov`, `aws-cn`
Result<Partition> parse_partition(std::string_view text);

// Twelve ASCII digits.
class AccountId {
 public:
  static Result<AccountId> parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const AccountId&, const AccountId&) = default;

 private:
  explicit AccountId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A Region's code such as `eu-central-1`: lower-case letters and hyphens, then a digit or two; 32 characters
// at most. Its shape is strict because it becomes part of host names; only Regions of the three known
// partitions are taken.
class Region {
 public:
  static Result<Region> parse(std::string_view text);
  const std::string& text() const { return text_; }
  Partition partition() const;
  friend auto operator<=>(const Region&, const Region&) = default;

 private:
  explicit Region(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The ARN of an IAM role, `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, exactly: not a user, a session, a
// pattern. Name: 1–64 of `[A-Za-z0-9_+=,.@-]`. Path: up to 512 characters; IAM allows U+0021–U+007E; `*`,
// `?`, `$`, `:`, `\` and empty, `.` or `..` segments are refused besides, since they mean something in
// policies or paths. Errors: `role_arn_invalid`, saying what is wrong and where.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, .../APIReference/API_Role.html
class RoleArn {
 public:
  static Result<RoleArn> parse(std::string_view text);

  const std::string& text() const { return text_; }
  Partition partition() const { return partition_; }
  const AccountId& account() const { return account_; }
  std::string_view path() const;  // with both slashes: `/` or `/team/`
  std::string_view name() const;
  friend bool operator==(const RoleArn& a, const RoleArn& b) { return a.text_ == b.text_; }
  friend auto operator<=>(const RoleArn& a, const RoleArn& b) { return a.text_ <=> b.text_; }

 private:
  RoleArn(std::string text, Partition partition, AccountId account);
  std::string text_;
  Partition partition_;
  AccountId account_;
};

// An external ID as STS takes it: 2–1,224 characters of `[A-Za-z0-9_+=,.@:/-]`. Not a secret, but sealed at
// rest. Those that Deputy issues are UUIDs, see registry/external_id.hpp.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
class ExternalId {
 public:
  static Result<ExternalId> parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const ExternalId&, const ExternalId&) = default;

 private:
  explicit ExternalId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A role session name: 2–64 characters of `[A-Za-z0-9_+=,.@-]`; shows in the customer's CloudTrail. A source
// identity has the same form.
class SessionName {
 public:
  static Result<SessionName> parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const SessionName&, const SessionName&) = default;

 private:
  explicit SessionName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace deputy

template <class Kind>
struct std::hash<deputy::Identifier<Kind>> {
  std::size_t operator()(const deputy::Identifier<Kind>& id) const noexcept {
    return std::hash<std::string>{}(id.text());
  }
};
template <class Kind>
struct std::hash<deputy::Name<Kind>> {
  std::size_t operator()(const deputy::Name<Kind>& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
template <>
struct std::hash<deputy::AccountId> {
  std::size_t operator()(const deputy::AccountId& id) const noexcept {
    return std::hash<std::string>{}(id.text());
  }
};
template <>
struct std::hash<deputy::RoleArn> {
  std::size_t operator()(const deputy::RoleArn& arn) const noexcept {
    return std::hash<std::string>{}(arn.text());
  }
};
