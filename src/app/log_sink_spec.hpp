#pragma once

#include <filesystem>
#include <string>

#include "core/result.hpp"

namespace deputy::app {

// One of `logs.sinks`: `search`, `stdout`, `files:FOLDER`, `files+zstd:FOLDER`, `otlp:URL`.
struct LogSinkSpec {
  enum class Kind { search, standard_output, files, otlp };
  Kind kind = Kind::search;
  std::string name;  // of its cursor: what stands in the configuration
  std::filesystem::path folder;
  bool zstd = false;
  std::string url;
};

// A relative folder is of `base`.
Result<LogSinkSpec> parse_log_sink(const std::string& text, const std::filesystem::path& base);

}  // namespace deputy::app
