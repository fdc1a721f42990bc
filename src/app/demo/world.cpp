#include "app/demo/world.hpp"

#include "aws/sts.hpp"
#include "core/assert.hpp"

namespace deputy::app {
namespace {

constexpr std::string_view seed = R"({"accounts": [
  {"id": "111111111111", "name": "The partner", "buckets": ["deputy-templates"],
   "users": [{"name": "platform", "access_key_id": "AKIADEMOPARTNER00001", "secret_access_key": "demo-secret-of-the-partner-platform-user",
     "policies": {"assume": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111111111111:role/deputy-broker"},
       {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutBucketPolicy"], "Resource": ["arn:aws:s3:::deputy-templates", "arn:aws:s3:::deputy-templates/*"]}]}}}],
   "roles": [{"name": "deputy-broker",
     "trust_policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/platform"}, "Action": "sts:AssumeRole"}]},
     "policies": {"reach-customers": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}]}}}]},
  {"id": "222222222222", "name": "Acme",
   "users": [{"name": "administrator", "access_key_id": "AKIADEMOACME00000001", "secret_access_key": "demo-secret-of-acmes-administrator-00001",
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}],
   "buckets": ["acme-invoices", "acme-webshop-assets"],
   "log_groups": [{"name": "/acme/webshop", "region": "eu-central-1", "streams": [{"name": "web-1", "events": [
     {"timestamp": 1767225600000, "message": "GET /cart 200 12ms"},
     {"timestamp": 1767225601000, "message": "POST /checkout 500 payment provider timed out"}]}]}]},
  {"id": "333333333333", "name": "Globex",
   "users": [{"name": "administrator", "access_key_id": "AKIADEMOGLOBEX000001", "secret_access_key": "demo-secret-of-globexs-administrator-001",
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}]},
  {"id": "444444444444", "name": "Initech",
   "users": [{"name": "administrator", "access_key_id": "AKIADEMOINITECH00001", "secret_access_key": "demo-secret-of-initechs-administrator-01",
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}],
   "buckets": ["initech-reports"]},
  {"id": "666666666666", "name": "Mallory",
   "users": [{"name": "administrator", "access_key_id": "AKIADEMOMALLORY00001", "secret_access_key": "demo-secret-of-mallorys-administrator-01",
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}]}
]})";

class PartnerSession final : public aws::CredentialsProvider {
 public:
  PartnerSession(aws::Sts& sts, const Clock& clock) : sts_(sts), clock_(clock) {}

  Task<Result<aws::Credentials>> get() override {
    constexpr std::chrono::minutes renew_ahead{10};
    if (current_ && clock_.now() + renew_ahead < current_->expires_at) co_return *current_;
    aws::AssumeRoleRequest request{.role_arn = RoleArn::parse(partner_role).value(),
                                   .session_name = SessionName::parse("deputy").value(),
                                   .external_id = std::nullopt,
                                   .session_policy = std::nullopt,
                                   .tags = {},
                                   .source_identity = std::nullopt};
    auto assumed = co_await sts_.assume_role(std::move(request), Region::parse(demo_region).value(),
                                             partner_platform.credentials());
    if (!assumed)
      co_return Error{ErrorKind::upstream_unavailable, "the partner's own role could not be assumed",
                      assumed.error().message};
    current_ = std::move(assumed.value().credentials);
    co_return *current_;
  }

 private:
  aws::Sts& sts_;
  const Clock& clock_;
  std::optional<aws::Credentials> current_;
};

}  // namespace

aws::Credentials Person::credentials() const {
  return {std::string{access_key_id}, SecretString{secret_access_key}, SecretString{}, std::nullopt};
}

std::string_view demo_seed() {
  return seed;
}

std::unique_ptr<aws::CredentialsProvider> partner_session(aws::Sts& sts, const Clock& clock) {
  return std::make_unique<PartnerSession>(sts, clock);
}

}  // namespace deputy::app
