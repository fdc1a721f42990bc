#include "app/log_sink_spec.hpp"

namespace deputy::app {

Result<LogSinkSpec> parse_log_sink(const std::string& text, const std::filesystem::path& base) {
  LogSinkSpec spec{.kind = LogSinkSpec::Kind::search, .name = text, .folder = {}, .zstd = false, .url = {}};
  if (text == "search") return spec;
  if (text == "stdout") {
    spec.kind = LogSinkSpec::Kind::standard_output;
    return spec;
  }
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? std::string{} : text.substr(colon + 1);
  if ((kind == "files" || kind == "files+zstd") && !rest.empty()) {
    spec.kind = LogSinkSpec::Kind::files;
    spec.zstd = kind == "files+zstd";
    spec.folder = (base / rest).lexically_normal();
    if (!spec.folder.has_filename()) spec.folder = spec.folder.parent_path();  // `/logs/` is `/logs`
    return spec;
  }
  const bool web = rest.starts_with("https://") || rest.starts_with("http://");
  if (kind == "otlp" && web && rest.find_first_of(" \t\r\n\"<>@") == std::string::npos) {
    spec.kind = LogSinkSpec::Kind::otlp;
    spec.url = rest;
    return spec;
  }
  return Error{
      ErrorKind::invalid_request,
      in_backticks(text) +
          " is no sink: use `search`, `stdout`, `files:FOLDER`, `files+zstd:FOLDER`, or `otlp:` and an "
          "http or https address such as `otlp:https://collector:4318/v1/logs`"};
}

}  // namespace deputy::app
