#pragma once

#include <string>

#include "aws/credentials.hpp"
#include "core/result.hpp"

namespace deputy::aws {

// Who writes the JSON document that holds credentials: the member of the session token is called differently,
// and more or less is required.
enum class DocumentForm {
  process,    // `credential_process`: Version 1; SessionToken and Expiration may be absent
  container,  // the container endpoint: Token and Expiration required
  instance,   // instance metadata: the same, and Code is Success where it is there
};

// Complete and well-formed credentials that have not expired, or an error whose detail says what is wrong and
// holds nothing of the document but a Code. `text` is wiped. Unknown members are left alone, as SDKs do.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
Result<Credentials> read_credentials_document(std::string& text, DocumentForm form, Timestamp now);

}  // namespace deputy::aws
