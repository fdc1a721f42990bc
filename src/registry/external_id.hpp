#pragma once

#include <string>

#include "core/identifiers.hpp"
#include "core/random.hpp"

namespace deputy::registry {

// A random UUID version 4 in lower case.
std::string random_uuid(Random& random);

// The one place where external IDs come from: a random UUID version 4 in lower case (RFC 9562, section 5.4),
// 122 random bits. It has no input but randomness, so nobody can influence the value. One without a letter is
// drawn again: its upper case would be itself, and the case probe prove nothing.
ExternalId issue_external_id(Random& random);

}  // namespace deputy::registry
