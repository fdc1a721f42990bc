#include "connect/permissions.hpp"

#include <boost/json.hpp>

namespace deputy::connect {
namespace {

std::string_view view(const boost::json::string& text) {
  return {text.data(), text.size()};
}

// A member that is one string or a list of them; nothing when it is absent.
std::vector<std::string> strings(const boost::json::object& statement, std::string_view name) {
  std::vector<std::string> out;
  const auto* member = statement.if_contains(name);
  if (member == nullptr) return out;
  if (const auto* text = member->if_string()) out.emplace_back(view(*text));
  if (const auto* list = member->if_array())
    for (const auto& element : *list)
      if (const auto* text = element.if_string()) out.emplace_back(view(*text));
  return out;
}

Permission permission(const boost::json::object& statement,
                      const std::map<std::string, std::string>& reasons) {
  Permission out;
  if (const auto* sid = statement.if_contains("Sid"); sid != nullptr && sid->is_string())
    out.sid = view(sid->get_string());
  if (const auto reason = reasons.find(out.sid); reason != reasons.end()) out.reason = reason->second;
  const auto* effect = statement.if_contains("Effect");
  out.denies = effect != nullptr && effect->is_string() && view(effect->get_string()) == "Deny";
  out.all_actions_but = statement.contains("NotAction");
  out.all_resources_but = statement.contains("NotResource");
  out.conditional = statement.contains("Condition");
  out.actions = strings(statement, out.all_actions_but ? "NotAction" : "Action");
  out.resources = strings(statement, out.all_resources_but ? "NotResource" : "Resource");
  return out;
}

void write(const boost::json::value& value, std::size_t depth, std::string& out);

template <class Container, class WriteOne>
void write_all(const Container& container, std::string_view brackets, std::size_t depth, std::string& out,
               const WriteOne& write_one) {
  out += brackets[0];
  bool first = true;
  for (const auto& element : container) {
    if (!first) out += ',';
    first = false;
    out.append("\n").append((depth + 1) * 2, ' ');
    write_one(element);
  }
  if (!first) out.append("\n").append(depth * 2, ' ');
  out += brackets[1];
}

void write(const boost::json::value& value, std::size_t depth, std::string& out) {
  if (const auto* object = value.if_object()) {
    write_all(*object, "{}", depth, out, [&](const auto& member) {
      out += boost::json::serialize(boost::json::string{member.key()}) + ": ";
      write(member.value(), depth + 1, out);
    });
  } else if (const auto* list = value.if_array()) {
    write_all(*list, "[]", depth, out, [&](const auto& element) { write(element, depth + 1, out); });
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

std::vector<Permission> permissions_of(std::string_view policy,
                                       const std::map<std::string, std::string>& reasons) {
  std::vector<Permission> out;
  boost::json::error_code broken;
  const boost::json::value document =
      boost::json::parse(boost::json::string_view{policy.data(), policy.size()}, broken);
  const auto* object = broken ? nullptr : document.if_object();
  const auto* statements = object == nullptr ? nullptr : object->if_contains("Statement");
  if (statements == nullptr) return out;
  if (const auto* one = statements->if_object()) out.push_back(permission(*one, reasons));
  if (const auto* list = statements->if_array())
    for (const auto& element : *list)
      if (const auto* statement = element.if_object()) out.push_back(permission(*statement, reasons));
  return out;
}

std::string indented_json(std::string_view text) {
  boost::json::error_code broken;
  const boost::json::value document =
      boost::json::parse(boost::json::string_view{text.data(), text.size()}, broken);
  if (broken) return std::string{text};
  std::string out;
  write(document, 0, out);
  return out;
}

}  // namespace deputy::connect
