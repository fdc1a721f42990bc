#pragma once

#include <string>

#include "policy/analyzer.hpp"

// What `deputy analyze` prints. ASCII alone: whatever a hostile policy holds, a terminal takes no command
// from it.
namespace deputy::cli {

// One JSON document: `verdict`, `findings`, `witness` (null where there is none), `mend` (null for a safe
// policy).
std::string analysis_json(const policy::TrustAnalysis& analysis);

// For people: the verdict, the findings, the witness as a request, the mend ready to paste.
std::string analysis_text(const policy::TrustAnalysis& analysis, bool colour);

}  // namespace deputy::cli
