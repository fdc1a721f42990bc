#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/caller.hpp"
#include "core/identifiers.hpp"

// The words of the checks: plain, for the customer, with the next step. Nothing of AWS's own texts, which may
// name the partner's ARN.
namespace deputy::verify {

std::string not_run_message();
std::string assumable_message();
std::string denied_message();
std::string denied_mend();
std::string interrupted_message();
// What AWS's answer left open, by its class.
std::string unclear_message(aws::AwsErrorClass error_class);

std::string id_required_message();
std::string open_without_id_message();
std::string id_exact_message();
std::string wrong_id_accepted_message(std::string_view difference);
std::string denials_prove_nothing_message();

std::string still_assumable_message();
std::string changed_meanwhile_message();

std::string account_matches_message();
std::string other_account_message();

std::string next_id_works_message();
std::string next_id_awaited_message();
std::string previous_id_denied_message();
std::string previous_id_still_accepted_message();
std::string previous_id_overdue_message();
std::string previous_id_conditional_message();

// What to paste into the trust policy's statement: the Condition that accepts exactly `id` (and `second`, in
// a rotation); of `principal` alone, where the statement names the whole account of the partner.
std::string condition_snippet(const ExternalId& id, const std::optional<ExternalId>& second,
                              const std::optional<RoleArn>& principal);

}  // namespace deputy::verify
