#include "verify/diagnosis.hpp"

namespace deputy::verify {

std::string not_run_message() {
  return "not run, because an earlier check did not pass";
}

std::string assumable_message() {
  return "the role can be assumed with the external ID of this connection";
}

std::string denied_message() {
  return "AWS denied access to the role; AWS does not say which of these it is: the role does not exist "
         "under exactly this ARN; its trust policy does not name the partner's role as the principal, or not "
         "for sts:AssumeRole; its condition does not have exactly this connection's external ID; or another "
         "condition or an organization's policy forbids it";
}

std::string denied_mend() {
  return "Compare the role with the template of this connection, or create it from the template, then verify "
         "again; a change can take a few minutes to reach every part of AWS";
}

std::string interrupted_message() {
  return "the check was interrupted before it could find out; it runs again by itself";
}

std::string unclear_message(aws::AwsErrorClass error_class) {
  using enum aws::AwsErrorClass;
  switch (error_class) {
    case throttled:
      return "AWS is limiting the partner's requests at the moment, so this could not be found out; the "
             "check "
             "runs again by itself";
    case unavailable:
      return "AWS gave no clear answer, so this could not be found out; the check runs again by itself";
    case caller_credentials:
      return "the partner's own AWS credentials did not work, so this could not be found out; nothing is to "
             "be "
             "done in your account: the partner has to mend it, then the check runs again by itself";
    case region_disabled:
      return "the AWS Region that the partner chose for its requests is not enabled, so this could not be "
             "found "
             "out; nothing is to be done in your account: the partner has to choose another Region";
    case access_denied:
    case invalid_request:
    case not_found:
    case other:
      break;
  }
  return "AWS did not take the request, for a reason that says nothing about the role, so this could not be "
         "found out; the check runs again by itself";
}

std::string id_required_message() {
  return "without an external ID AWS denies access, as it must";
}

std::string open_without_id_message() {
  return "the role trusts the partner without the external ID: anybody who can make the partner's product "
         "use "
         "this role's ARN could reach your account. Add this Condition to every statement of the role's "
         "trust "
         "policy that names the partner, then verify again";
}

std::string id_exact_message() {
  return "wrong external IDs are denied, as they must be";
}

std::string wrong_id_accepted_message(std::string_view difference) {
  return "the role accepts a wrong external ID (" + std::string{difference} +
         "): its condition does not compare exactly. Use StringEquals with exactly this value, without "
         "wildcards, in every statement of the trust policy that names the partner, then verify again";
}

std::string denials_prove_nothing_message() {
  return "AWS denied, but after that it denied the right external ID as well, so the denial proves nothing; "
         "the "
         "check runs again by itself";
}

std::string still_assumable_message() {
  return "after the denials the role can still be assumed, so they were about the external ID";
}

std::string changed_meanwhile_message() {
  return "the role could be assumed at first and no longer afterwards: it was changed during the check, or a "
         "change has not yet reached every part of AWS; the check runs again by itself";
}

std::string account_matches_message() {
  return "the role's credentials belong to the account and role of the ARN";
}

std::string other_account_message() {
  return "the credentials that AWS gave do not belong to the account and role of the ARN; give the ARN as "
         "the "
         "IAM console shows it, then verify again";
}

std::string next_id_works_message() {
  return "the role accepts the next external ID: the rotation can be completed";
}

std::string next_id_awaited_message() {
  return "the role does not accept the next external ID yet; list both values in the condition of its trust "
         "policy, then verify again";
}

std::string previous_id_denied_message() {
  return "the previous external ID is denied, as it must be";
}

std::string previous_id_still_accepted_message() {
  return "the role still accepts the previous external ID; remove it from the condition of its trust policy";
}

std::string previous_id_overdue_message() {
  return "the role still accepts the previous external ID, and the time to remove it is over; use this "
         "Condition, "
         "without the previous value, then verify again";
}

std::string previous_id_conditional_message() {
  return "the previous external ID was denied when it was tried, but the trust policy still accepts it under "
         "other conditions; remove it";
}

std::string condition_snippet(const ExternalId& id, const std::optional<ExternalId>& second,
                              const std::optional<RoleArn>& principal) {
  // The characters of an external ID and of a role's ARN need no escaping in JSON.
  const std::string value =
      second ? "[\"" + id.text() + "\", \"" + second->text() + "\"]" : "\"" + id.text() + "\"";
  const std::string only =
      principal ? ", \"ArnEquals\": {\"aws:PrincipalArn\": \"" + principal->text() + "\"}" : "";
  return "\"Condition\": {\"StringEquals\": {\"sts:ExternalId\": " + value + "}" + only + "}";
}

}  // namespace deputy::verify
