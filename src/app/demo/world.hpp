#pragma once

#include <string_view>

#include "aws/base_credentials.hpp"
#include "aws/caller.hpp"
#include "aws/sts.hpp"
#include "core/identifiers.hpp"

// The demo's little world: the accounts of the sandbox, and who holds which keys. The keys are the sandbox's
// own inventions.
namespace deputy::app {

struct Person {
  std::string_view account;
  std::string_view access_key_id;
  std::string_view secret_access_key;
  aws::Credentials credentials() const;
};

inline constexpr std::string_view demo_region = "eu-central-1";
inline constexpr std::string_view partner_role = "arn:aws:iam::111111111111:role/deputy-broker";
inline constexpr std::string_view template_bucket = "deputy-templates";
inline constexpr std::string_view log_group = "/acme/webshop";

inline constexpr Person partner_platform{"111111111111", "AKIADEMOPARTNER00001",
                                         "demo-secret-of-the-partner-platform-user"};
inline constexpr Person acme_admin{"222222222222", "AKIADEMOACME00000001",
                                   "demo-secret-of-acmes-administrator-00001"};
inline constexpr Person globex_admin{"333333333333", "AKIADEMOGLOBEX000001",
                                     "demo-secret-of-globexs-administrator-001"};

// The seed of the sandbox, as `deputy sandbox --seed` takes it.
std::string_view demo_seed();

// The partner's workload role, assumed with the keys of a user: what an instance profile is in production.
// Renews itself ahead of expiry.
std::unique_ptr<aws::CredentialsProvider> partner_session(aws::Sts& sts, const Clock& clock);

}  // namespace deputy::app
