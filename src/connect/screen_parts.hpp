#pragma once

#include "connect/slots.hpp"
#include "connect/views.hpp"

#include <string_view>

// Parts that several screens show.
namespace deputy::connect {

// The head, who is asking, the stepper and the foot. `at` is absent on screens beside the five steps.
void put_frame(Slots& slots, const Frame& frame, std::optional<Step> at);
void put_permissions(Slots& slots, const std::vector<Permission>& permissions);
void put_ask(Slots& slots, const Ask& ask);
void put_checks(Slots& slots, const std::vector<CheckView>& checks);
// The cards of the three ways, and the part of the chosen one.
void put_ways(Slots& slots, Way chosen, bool launch);
// `ROLE_ARN` and `ROLE_NAME`, where there is one.
void put_role(Slots& slots, const std::optional<std::string>& role_arn);

std::string_view key_of(Step step);  // `ask`: in addresses and texts
std::string_view key_of(Way way);    // as the API's formats: `aws-cli`

// The look of a state: which of the checks' colours and icons it borrows.
std::string_view look_of(registry::ConnectionState state);
std::string_view look_of(registry::VerificationOutcome outcome);

}  // namespace deputy::connect
