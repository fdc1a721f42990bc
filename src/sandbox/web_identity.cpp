#include <fmt/format.h>

#include "sandbox/assume_role.hpp"
#include "sandbox/identity_token.hpp"
#include "sandbox/roles.hpp"

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
namespace deputy::sandbox {
namespace {

constexpr std::string_view action = "sts:AssumeRoleWithWebIdentity";
constexpr std::size_t token_length_min = 4, token_length_max = 20'000;

Outcome<std::string> read_token(const Parameters& parameters) {
  DEPUTY_TRY(std::string token, parameters.required("WebIdentityToken"));
  // The token itself is not repeated.
  if (token.size() < token_length_min || token.size() > token_length_max)
    return constraint_error("***", "webIdentityToken", "have length between 4 and 20000");
  return token;
}

// The provider that IAM knows in the role's account, by the token's issuer.
const OidcProvider* provider_of(World& world, const SessionWish& wish, const IdentityToken& token) {
  Account* const account = world.find_account(wish.role.account().text());
  if (!account) return nullptr;
  const auto found = account->oidc_providers.find(token.issuer);
  return found == account->oidc_providers.end() ? nullptr : &found->second;
}

// Nobody that AWS knows asks; who it is says the provider. Keys are named after the issuer without its
// scheme.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
policy::Request request_of(const World& world, const Call& call, const SessionWish& wish,
                           const IdentityToken& token, const OidcProvider& provider) {
  policy::Request request;
  request.caller.federated = provider.arn;
  request.action = action;
  request.resource = wish.role.text();
  request.context = request_context(world, call);
  request.context.push_back({"aws:FederatedProvider", {provider.arn}});
  request.context.push_back({"aws:ResourceAccount", {wish.role.account().text()}});
  request.context.push_back({"sts:RoleSessionName", {wish.session_name}});
  request.context.push_back({provider.name + ":aud", {token.audience}});
  request.context.push_back({provider.name + ":sub", {token.subject}});
  return request;
}

bool is_trusted(World& world, const policy::Request& request, const Role* role, const SessionWish& wish) {
  if (!role || role->arn != wish.role.text()) return false;
  const PolicyDocument trust = effective_trust(world, role->trust);
  if (!trust.policy) return false;
  policy::PolicySet policies;
  policies.resource = trust.policy.get();
  policies.resource_account = wish.role.account().text();
  return policy::authorize(policies, request).allowed();
}

}  // namespace

Outcome<Reply> assume_role_with_web_identity(World& world, const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but(
          {"RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds", "Policy"}))
    return *std::move(fault);
  DEPUTY_TRY(const SessionWish wish, read_session_wish(parameters));
  DEPUTY_TRY(const std::string compact, read_token(parameters));
  DEPUTY_TRY(const IdentityToken token, read_identity_token(compact));
  const OidcProvider* const provider = provider_of(world, wish, token);
  if (!provider)
    return Fault{400, "InvalidIdentityToken",
                 "No OpenIDConnect provider found in your account for " + token.issuer.substr(0, 255)};
  DEPUTY_TRY(verify_identity_token(token, *provider, world.clock.now()));
  const auto role = world.seen_role(wish.role.account().text(), wish.role.name());
  if (!is_trusted(world, request_of(world, call, wish, token, *provider), role.get(), wish))
    return Fault{403, "AccessDenied", fmt::format("Not authorized to perform {}", action)};
  if (auto fault = too_much(wish, *role)) return *std::move(fault);
  XmlWriter xml;
  xml.text("SubjectFromWebIdentityToken", token.subject);
  xml.text("Audience", token.audience);
  open_session(world, wish, *role, xml);
  xml.text("Provider", token.issuer);
  return Reply{.body = xml.take(), .headers = {}};
}

}  // namespace deputy::sandbox
