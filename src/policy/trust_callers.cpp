#include "policy/trust_callers.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace deputy::policy {
namespace {

constexpr std::string_view assume_role = "sts:AssumeRole";

// An identity's ARN taken apart. The reader let only well-formed ones through.
struct IdentityArn {
  std::string text, partition, account;
  std::string kind;  // role, user, assumed-role, federated-user
  std::string name;  // behind path or kind; the role's for a session
  std::string session;
};

IdentityArn take_apart(const std::string& text) {
  std::array<std::string, 6> segments;
  std::string_view rest = text;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::size_t colon = i + 1 < segments.size() ? rest.find(':') : std::string_view::npos;
    segments.at(i) = rest.substr(0, colon);
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  }
  const std::string& resource = segments[5];
  IdentityArn out{text, segments[1], segments[4], resource.substr(0, resource.find('/')), {}, {}};
  out.name = resource.substr(resource.rfind('/') + 1);
  if (out.kind == "assumed-role") {
    out.session = out.name;
    const std::size_t first = resource.find('/') + 1;
    out.name = resource.substr(first, resource.rfind('/') - first);
  }
  return out;
}

bool is_role_of(const IdentityArn& role, const IdentityArn& session) {
  return role.kind == "role" && role.partition == session.partition && role.account == session.account &&
         role.name == session.name;
}

// What the policy names, in Allows and Denies.
struct Named {
  std::vector<IdentityArn> arns;
  std::set<std::string> accounts;          // by themselves or in ARNs of the partner's partition
  std::set<std::string> allowed_accounts;  // by themselves, in an Allow
  std::set<std::string> unique_ids,
      canonical_users;  // in an Allow: a Deny only takes away from other classes
  std::set<std::string> providers;
  std::set<std::pair<std::string, std::string>> foreign_roots;  // in an Allow: partition and account
  bool everyone_allowed = false;
};

void take_in(const StatementPrincipal& principal, bool allow, std::string_view partition, Named& named) {
  switch (principal.type) {
    case PrincipalType::everyone:
      named.everyone_allowed = named.everyone_allowed || allow;
      return;
    case PrincipalType::aws_account:
      if (!principal.partition.empty() && principal.partition != partition) {
        if (allow) named.foreign_roots.emplace(principal.partition, principal.value);
        return;
      }
      named.accounts.insert(principal.value);
      if (allow) named.allowed_accounts.insert(principal.value);
      return;
    case PrincipalType::aws_arn: {
      const bool known = std::any_of(named.arns.begin(), named.arns.end(),
                                     [&](const IdentityArn& arn) { return arn.text == principal.value; });
      if (known) return;
      named.arns.push_back(take_apart(principal.value));
      if (named.arns.back().partition == partition) named.accounts.insert(named.arns.back().account);
      return;
    }
    case PrincipalType::aws_unique_id:
      if (allow) named.unique_ids.insert(principal.value);
      return;
    case PrincipalType::canonical_user:
      if (allow) named.canonical_users.insert(principal.value);
      return;
    case PrincipalType::federated:
      named.providers.insert(principal.value);
      return;
    case PrincipalType::service:
      return;
  }
}

class CallerList {
 public:
  CallerList(const PolicyView& view, const TrustQuestion& question)
      : view_(view), question_(question), partition_(to_text(question.partner_principal.partition())) {
    for (const auto& statement : view.statements()) {
      const bool allow = statement.statement->effect == Effect::allow;
      for (const auto& principal : statement.statement->principals)
        take_in(principal, allow, partition_, named_);
    }
  }

  std::vector<TrustCaller> make() && {
    const IdentityArn partner = take_apart(question_.partner_principal.text());
    add_session(Standing::partner_principal, partner, free_session_name(partner));
    for (const IdentityArn& arn : named_.arns) {
      if (arn.text != partner.text) add_named(arn, partner);
    }
    std::set<std::string> accounts = named_.accounts;
    accounts.insert(partner.account);
    for (const AccountId& account : question_.partner_accounts) accounts.insert(account.text());
    if (question_.role_account) accounts.insert(question_.role_account->text());
    for (const std::string& account : accounts) {
      if (named_.everyone_allowed || named_.allowed_accounts.contains(account)) add_account(account);
    }
    for (const auto& [partition, account] : named_.foreign_roots) {
      for (const bool user : {false, true}) add_example(Standing::foreign, partition, account, user);
    }
    if (named_.everyone_allowed) {
      add_stranger(false);
      add_stranger(true);
    }
    add_unknown();
    add_federated();
    return std::move(callers_);
  }

  TrustCaller in_account(bool user, const std::string& account) {
    add_example(Standing::stranger, partition_, account, user);
    return std::move(callers_.back());
  }

 private:
  Standing standing_of(const std::string& account) const {
    const auto& partners = question_.partner_accounts;
    const bool partner = account == question_.partner_principal.account().text() ||
                         std::any_of(partners.begin(), partners.end(),
                                     [&](const AccountId& one) { return one.text() == account; });
    if (partner) return Standing::partner_identity;
    if (question_.role_account && question_.role_account->text() == account) return Standing::own_account;
    return Standing::foreign;
  }
  // Partitions do not trust each other: an account's number in another one is not that account.
  Standing standing_of(const IdentityArn& arn) const {
    return arn.partition == partition_ ? standing_of(arn.account) : Standing::foreign;
  }

  void fact(TrustCaller& caller, Condition condition) const {
    if (view_.key(condition.key)) caller.facts.push_back(std::move(condition));
  }
  void is(TrustCaller& caller, std::string_view key, std::string value) const {
    if (view_.key(key)) fact(caller, make_condition(key, Matching::equals, false, {std::move(value)}));
  }
  void is_like(TrustCaller& caller, std::string_view key, std::string pattern) const {
    if (view_.key(key)) fact(caller, make_condition(key, Matching::like, false, {std::move(pattern)}));
  }

  // What AWS fills in for every identity that signs.
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
  void add_identity_facts(TrustCaller& caller, std::string_view type) const {
    is(caller, "aws:PrincipalType", std::string{type});
    is(caller, "aws:PrincipalIsAWSService", "false");
    fact(caller, make_presence("aws:PrincipalServiceName", false));
    fact(caller, make_presence("aws:PrincipalServiceNamesList", false));
    fact(caller, make_presence("aws:userid", true));
    if (type != "User") fact(caller, make_presence("aws:username", false));
  }

  TrustCaller blank(Standing standing, std::string name) const {
    TrustCaller caller;
    caller.standing = standing;
    caller.name = std::move(name);
    caller.action = assume_role;
    return caller;
  }

  std::string free_session_name(const IdentityArn& role) const {
    std::string name = "any-session";
    const auto is_taken = [&](const IdentityArn& arn) {
      return is_role_of(role, arn) && arn.session == name;
    };
    while (std::any_of(named_.arns.begin(), named_.arns.end(), is_taken)) name += "-x";
    return name;
  }

  void add_session(Standing standing, const IdentityArn& role, const std::string& session) {
    TrustCaller caller = blank(standing, role.text);
    caller.caller.account = role.account;
    caller.caller.role_arn = role.text;
    caller.caller.arn =
        fmt::format("arn:{}:sts::{}:assumed-role/{}/{}", role.partition, role.account, role.name, session);
    is(caller, "aws:PrincipalArn", role.text);
    is(caller, "aws:PrincipalAccount", role.account);
    add_identity_facts(caller, "AssumedRole");
    callers_.push_back(std::move(caller));
  }

  void add_named(const IdentityArn& arn, const IdentityArn& partner) {
    const Standing standing = standing_of(arn);
    if (arn.kind == "role") return add_session(standing, arn, free_session_name(arn));
    if (arn.kind == "assumed-role") return add_named_session(arn, partner);
    TrustCaller caller = blank(standing, arn.text);
    caller.caller.account = arn.account;
    caller.caller.arn = arn.text;
    is(caller, "aws:PrincipalArn", arn.text);
    is(caller, "aws:PrincipalAccount", arn.account);
    add_identity_facts(caller, arn.kind == "user" ? "User" : "FederatedUser");
    if (arn.kind == "user") is(caller, "aws:username", arn.name);
    callers_.push_back(std::move(caller));
  }

  // A session's ARN lacks its role's path. A role's name is unique in its account, so where the question
  // names a role of that name, it is that one. Where the policy does, it may be that one, or the policy names
  // a role that is not there: then it is one under a path that nobody names.
  void add_named_session(const IdentityArn& arn, const IdentityArn& partner) {
    if (is_role_of(partner, arn)) {
      add_session(Standing::partner_principal, partner, arn.session);
      callers_.back().name = arn.text;
      return;
    }
    for (const IdentityArn& role : named_.arns) {
      if (!is_role_of(role, arn)) continue;
      add_session(standing_of(arn), role, arn.session);
      callers_.back().name = arn.text;
    }
    TrustCaller caller = blank(standing_of(arn), arn.text);
    caller.caller.account = arn.account;
    std::string path;
    const auto role_arn = [&] {
      return fmt::format("arn:{}:iam::{}:role/{}{}", arn.partition, arn.account, path, arn.name);
    };
    const auto is_named = [&](const IdentityArn& one) { return one.text == role_arn(); };
    while (std::any_of(named_.arns.begin(), named_.arns.end(), is_named)) path += "any-path/";
    caller.caller.role_arn = role_arn();
    caller.caller.arn = arn.text;
    is_like(caller, "aws:PrincipalArn",
            fmt::format("arn:{}:iam::{}:role/*{}", arn.partition, arn.account, arn.name));
    is(caller, "aws:PrincipalAccount", arn.account);
    add_identity_facts(caller, "AssumedRole");
    callers_.push_back(std::move(caller));
  }

  void add_account(const std::string& account) {
    for (const bool user : {false, true}) add_example(standing_of(account), partition_, account, user);
  }

  // Some identity of an account that is not named by itself.
  void add_example(Standing standing, const std::string& partition, const std::string& account, bool user) {
    TrustCaller caller = blank(
        standing, partition == partition_ ? account : fmt::format("arn:{}:iam::{}:root", partition, account));
    caller.is_user = user;
    caller.is_example = true;
    std::string name = user ? "any-user" : "any-role";
    const std::string_view kind = user ? "user" : "role";
    const auto arn = [&] { return fmt::format("arn:{}:iam::{}:{}/{}", partition, account, kind, name); };
    std::vector<std::string> others{question_.partner_principal.text()};
    for (const IdentityArn& one : named_.arns) {
      if (one.account == account) others.push_back(one.text);
    }
    while (std::find(others.begin(), others.end(), arn()) != others.end()) name += "-x";
    caller.caller.account = account;
    caller.caller.arn =
        user ? arn() : fmt::format("arn:{}:sts::{}:assumed-role/{}/any-session", partition, account, name);
    if (!user) caller.caller.role_arn = arn();
    if (view_.key("aws:PrincipalArn")) {
      is_like(caller, "aws:PrincipalArn", fmt::format("arn:{}:iam::{}:{}/?*", partition, account, kind));
      fact(caller, make_condition("aws:PrincipalArn", Matching::equals, true, std::move(others)));
    }
    is(caller, "aws:PrincipalAccount", account);
    add_identity_facts(caller, user ? "User" : "AssumedRole");
    callers_.push_back(std::move(caller));
  }

  // Of any account that is neither the partner's nor the role's nor named.
  void add_stranger(bool user) {
    TrustCaller caller = blank(Standing::stranger, "everyone");
    caller.is_user = user;
    caller.is_example = true;
    caller.caller.arn = "a stranger";
    std::set<std::string> excluded = named_.accounts;
    excluded.insert(question_.partner_principal.account().text());
    for (const AccountId& account : question_.partner_accounts) excluded.insert(account.text());
    if (question_.role_account) excluded.insert(question_.role_account->text());
    if (view_.key("aws:PrincipalAccount")) {
      fact(caller, make_presence("aws:PrincipalAccount", true));
      fact(caller, make_condition("aws:PrincipalAccount", Matching::equals, true,
                                  {excluded.begin(), excluded.end()}));
    }
    if (view_.key("aws:PrincipalArn")) {
      is_like(caller, "aws:PrincipalArn",
              fmt::format("arn:{}:iam::????????????:{}/?*", partition_, user ? "user" : "role"));
      std::vector<std::string> patterns;
      for (const std::string& account : excluded)
        patterns.push_back(fmt::format("arn:{}:iam::{}:*", partition_, account));
      fact(caller, make_condition("aws:PrincipalArn", Matching::like, true, std::move(patterns)));
    }
    add_identity_facts(caller, user ? "User" : "AssumedRole");
    callers_.push_back(std::move(caller));
  }

  void add_unknown() {
    for (const std::string& id : named_.unique_ids) {
      TrustCaller caller = blank(Standing::unknown_identity, id);
      const bool role = id.starts_with("AROA");
      caller.caller.unique_id = role ? id + ":any-session" : id;
      caller.caller.arn = "an identity whose account nobody can tell";
      is_like(caller, "aws:userid", role ? id + ":*" : id);
      fact(caller, make_presence("aws:PrincipalArn", true));
      fact(caller, make_presence("aws:PrincipalAccount", true));
      add_identity_facts(caller, role ? "AssumedRole" : "User");
      callers_.push_back(std::move(caller));
    }
    for (const std::string& id : named_.canonical_users) {
      TrustCaller caller = blank(Standing::canonical_user, id);
      caller.caller.canonical_user = id;
      caller.caller.arn = "an identity whose account nobody can tell";
      fact(caller, make_presence("aws:PrincipalArn", true));
      fact(caller, make_presence("aws:PrincipalAccount", true));
      callers_.push_back(std::move(caller));
    }
  }

  void add_federated() {
    std::set<std::string> providers = named_.providers;
    if (named_.everyone_allowed) providers.insert("any identity provider");
    for (const std::string& provider : providers) {
      for (const std::string_view action : {"sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"}) {
        TrustCaller caller = blank(Standing::federated, provider);
        caller.action = action;
        caller.caller.federated = provider;
        caller.facts.push_back(make_presence("sts:ExternalId", false));  // these calls have no such parameter
        callers_.push_back(std::move(caller));
      }
    }
  }

  const PolicyView& view_;
  const TrustQuestion& question_;
  std::string partition_;
  Named named_;
  std::vector<TrustCaller> callers_;
};

}  // namespace

std::vector<TrustCaller> callers_of(const PolicyView& view, const TrustQuestion& question) {
  return CallerList{view, question}.make();
}

TrustCaller in_account(const TrustCaller& stranger, std::string_view account, const PolicyView& view,
                       const TrustQuestion& question) {
  return CallerList{view, question}.in_account(stranger.is_user, std::string{account});
}

Condition make_condition(std::string_view key, Matching matching, bool negated,
                         std::vector<std::string> values) {
  Condition out;
  out.condition_operator.family =
      matching == Matching::equals ? OperatorFamily::string_equals : OperatorFamily::string_like;
  out.condition_operator.negated = negated;
  out.key = key;
  out.comparands.resize(values.size());
  out.values = std::move(values);
  return out;
}

Condition make_presence(std::string_view key, bool present) {
  Condition out;
  out.condition_operator.family = OperatorFamily::null;
  out.key = key;
  out.values = {present ? "false" : "true"};
  out.comparands = {Comparand{!present}};
  return out;
}

}  // namespace deputy::policy
