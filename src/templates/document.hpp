#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "templates/template.hpp"

// The one model behind every format: policy documents as trees whose texts may hold blanks that each format
// fills in its own way.
namespace deputy::templates {

// What a format fills in.
enum class Blank { none, partition, external_id, next_external_id, partner_principal, role_arn };

// A run of literal text, or a blank.
struct Piece {
  std::string literal;
  Blank blank = Blank::none;
};
using Text = std::vector<Piece>;

// A document, or a part of one. A plain tree.
struct Node {
  enum class Kind { text, literal, list, map };

  static Node of(std::string text) { return {.kind = Kind::text, .text = {{.literal = std::move(text)}}}; }
  static Node of(Blank blank) { return {.kind = Kind::text, .text = {{.literal = {}, .blank = blank}}}; }
  // A number, `true`, `false`, or an expression in the writer's own language: written as it is.
  static Node verbatim(std::string literal) { return {.kind = Kind::literal, .literal = std::move(literal)}; }
  static Node list_of(std::vector<Node> nodes) { return {.kind = Kind::list, .list = std::move(nodes)}; }
  static Node map_of(std::vector<std::pair<std::string, Node>> entries) {
    return {.kind = Kind::map, .map = std::move(entries)};
  }

  Kind kind = Kind::map;
  Text text = {};
  std::string literal = {};
  std::vector<Node> list = {};
  std::vector<std::pair<std::string, Node>> map = {};
  std::string comment = {};  // one line, for the formats that have comments
};

Node trust_policy(const Trust& trust);

// The integration's policy. ARNs of partition `aws` get a blank for it, so that the role works in every
// partition; reasons become comments. Errors: see `render`.
Result<Node> permissions(const RoleDescription& role);

// What lets the partner read the role itself, and nothing else.
Node self_read_policy();

// Compact JSON, or indented by two spaces. `fill` writes a blank, inside a string of JSON.
std::string to_json(const Node& node, bool indented, const std::function<std::string(Blank)>& fill);

// Checks what all formats need: the role's name and the session's duration.
Result<void> check(const RoleDescription& role);

// The words that every format tells people with.
std::string role_name_of(const RoleDescription& role);
std::string purpose_of(
    const RoleDescription& role);  // names integration, tenant and connection; readable; 1,024 bytes at most
// In the order to be written; keys and values as IAM takes them.
std::vector<std::pair<std::string, std::string>> tags_of(const RoleDescription& role);

inline constexpr std::string_view permissions_policy_name = "deputy-permissions";
inline constexpr std::string_view self_read_policy_name = "deputy-self-read";
inline constexpr int template_version = 1;

}  // namespace deputy::templates
