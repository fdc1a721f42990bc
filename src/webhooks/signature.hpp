#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace deputy::webhooks {

// The secrets that events are signed with: one a line, `whsec_` and the base64 of 24 to 64 bytes; two while
// one replaces the other. Refuses a file that others can read. Errors never show what is in it.
Result<std::vector<SecretString>> load_secrets(const std::filesystem::path& file);
Result<std::vector<SecretString>> parse_secrets(std::string_view text);

// The value of `webhook-signature`: for each secret `v1,` and the base64 of HMAC-SHA256 over
// `ID.SECONDS.BODY`, with a space between.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
std::string signatures(const std::vector<SecretString>& secrets, std::string_view id, Timestamp at,
                       std::string_view body);
// Whole seconds since 1970, the value of `webhook-timestamp`.
std::string timestamp_text(Timestamp at);

}  // namespace deputy::webhooks
