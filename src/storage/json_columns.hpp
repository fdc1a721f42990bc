#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "registry/model.hpp"

// The parts of objects that are stored as one JSON text each. Reading is of authentic rows; what does not fit
// is `internal` all the same.
namespace deputy::storage {

std::string to_json(const std::map<std::string, std::string>& reasons);
Result<std::map<std::string, std::string>> reasons_from_json(std::string_view json);

std::string to_json(const registry::LogSelection& logs);
Result<registry::LogSelection> logs_from_json(std::string_view json);

std::string to_json(const std::vector<registry::Check>& checks);
Result<std::vector<registry::Check>> checks_from_json(std::string_view json);

std::string to_json(const std::vector<registry::Grant>& grants);
Result<std::vector<registry::Grant>> grants_from_json(std::string_view json);

}  // namespace deputy::storage
