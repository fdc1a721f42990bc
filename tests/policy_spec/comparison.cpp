#include "policy_spec/comparison.hpp"

#include <fmt/format.h>

#include "core/assert.hpp"
#include "policy/decision.hpp"

namespace deputy::policy_spec {
namespace {

policy::PolicyKind engine_kind(Kind kind) {
  switch (kind) {
    case Kind::identity:
      return policy::PolicyKind::identity;
    case Kind::trust:
      return policy::PolicyKind::trust;
    case Kind::session:
      return policy::PolicyKind::session;
    case Kind::boundary:
      return policy::PolicyKind::permissions_boundary;
    case Kind::resource:
      break;
  }
  return policy::PolicyKind::resource;
}

Outcome outcome_of(const policy::Decision& decision) {
  if (decision.allowed()) return Outcome::allowed;
  const bool denied = decision.verdict == policy::Verdict::explicitly_denied;
  return denied ? Outcome::explicitly_denied : Outcome::implicitly_denied;
}

std::string_view name_of(Outcome outcome) {
  if (outcome == Outcome::allowed) return "allowed";
  return outcome == Outcome::explicitly_denied ? "explicitly denied" : "implicitly denied";
}

policy::Request engine_request(const json::Value& request) {
  const auto text = [](const json::Value* value, std::string_view name) {
    const json::Value* member = value == nullptr ? nullptr : value->find(name);
    return member == nullptr ? std::string{} : member->text;
  };
  const json::Value* caller = request.find("caller");
  policy::Request out;
  out.caller = {text(caller, "account"),       text(caller, "arn"),     text(caller, "role_arn"),
                text(caller, "unique_id"),     text(caller, "service"), text(caller, "federated"),
                text(caller, "canonical_user")};
  out.action = text(&request, "action");
  out.resource = text(&request, "resource");
  const json::Value* context = request.find("context");
  if (context == nullptr) return out;
  for (const json::Member& member : context->members) {
    policy::ContextKey key{member.name, {}};
    for (const json::Value& value : member.value.elements) key.values.push_back(value.text);
    out.context.push_back(std::move(key));
  }
  return out;
}

// A document as both sides hold it, and as the specification reads the engine's print of it.
struct Pair {
  Kind kind;
  const std::string* text;
  json::Value tree, printed;
  policy::Policy policy;
};

class Comparison {
 public:
  Comparison(const Scene& scene, Tally& tally) : scene_(scene), tally_(tally) {}

  std::optional<std::string> run() {
    if (auto found = read_all()) return found;
    if (pairs_.size() != scene_.documents.size()) return std::nullopt;
    arrange();
    for (const std::string& text : scene_.requests) {
      const auto tree = json::read(text);
      DEPUTY_ASSERT(tree.has_value());
      if (auto found = judge_one_by_one(tree.value(), text)) return found;
      if (auto found = decide_together(tree.value(), text)) return found;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> read_all() {
    pairs_.reserve(scene_.documents.size());
    for (const Document& document : scene_.documents) {
      ++tally_.documents;
      auto tree = json::read(document.text);
      auto policy = policy::Policy::read(document.text, engine_kind(document.kind));
      const bool valid = tree.has_value() && is_valid(tree.value(), document.kind);
      if (valid != policy.has_value()) {
        return fmt::format("the specification {} what the engine {}: {}\n{}", valid ? "takes" : "refuses",
                           valid ? "refuses" : "takes", valid ? policy.error().message : "", document.text);
      }
      if (!valid) {
        if (policy.error().message.find(" at line ") != std::string::npos) continue;
        return fmt::format("an error without its place: {}\n{}", policy.error().message, document.text);
      }
      ++tally_.taken;
      const std::string print = policy::print(policy.value());
      auto printed = json::read(print);
      const auto again = policy::Policy::read(print, engine_kind(document.kind));
      if (!printed || !again || !(again.value() == policy.value()) ||
          !is_valid(printed.value(), document.kind))
        return fmt::format("printed and read again it is another\n{}\n{}", document.text, print);
      pairs_.push_back({document.kind, &document.text, std::move(tree).value(), std::move(printed).value(),
                        std::move(policy).value()});
    }
    return std::nullopt;
  }

  void arrange() {
    for (const Pair& pair : pairs_) {
      switch (pair.kind) {
        case Kind::identity:
          engine_.identity.push_back(&pair.policy);
          situation_.identity.push_back(&pair.tree);
          break;
        case Kind::session:
          engine_.session.push_back(&pair.policy);
          situation_.session.push_back(&pair.tree);
          break;
        case Kind::boundary:
          engine_.permissions_boundary = &pair.policy;
          situation_.boundary = &pair.tree;
          break;
        default:
          engine_.resource = &pair.policy;
          situation_.resource = &pair.tree;
          situation_.resource_kind = pair.kind;
      }
    }
    engine_.resource_account = situation_.resource_owner = scene_.resource_owner;
  }

  void count(Outcome outcome) {
    ++tally_.pairs;
    tally_.allowed += outcome == Outcome::allowed ? 1U : 0U;
    tally_.explicitly_denied += outcome == Outcome::explicitly_denied ? 1U : 0U;
  }

  std::optional<std::string> judge_one_by_one(const json::Value& tree, const std::string& text) {
    const policy::Request request = engine_request(tree);
    for (const Pair& pair : pairs_) {
      const Outcome engine = outcome_of(policy::evaluate(pair.policy, request));
      const Outcome specified = judge(pair.tree, pair.kind, tree);
      count(specified);
      if (engine != specified || judge(pair.printed, pair.kind, tree) != specified) {
        return fmt::format("{} by the engine, {} by the specification:\n{}\n{}", name_of(engine),
                           name_of(specified), *pair.text, text);
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> decide_together(const json::Value& tree, const std::string& text) {
    const Outcome engine = outcome_of(policy::authorize(engine_, engine_request(tree)));
    const Outcome specified = decide(situation_, tree);
    count(specified);
    if (engine == specified) return std::nullopt;
    std::string all;
    for (const Pair& pair : pairs_) all += fmt::format("\n{} {}", static_cast<int>(pair.kind), *pair.text);
    return fmt::format("together {} by the engine, {} by the specification, owner `{}`:{}\n{}",
                       name_of(engine), name_of(specified), scene_.resource_owner, all, text);
  }

  const Scene& scene_;
  Tally& tally_;
  std::vector<Pair> pairs_;
  policy::PolicySet engine_;
  Situation situation_;
};

}  // namespace

std::optional<std::string> difference(const Scene& scene, Tally& tally) {
  return Comparison{scene, tally}.run();
}

}  // namespace deputy::policy_spec
