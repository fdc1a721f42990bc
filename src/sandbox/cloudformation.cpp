#include "sandbox/services.hpp"

namespace deputy::sandbox {

Outcome<Reply> answer_cloudformation(World&, const Call& call, const Parameters& parameters) {
  return invalid_action(call.operation, parameters.get("Version"));
}

}  // namespace deputy::sandbox
