#include "aws/transport.hpp"

#include <algorithm>
#include <array>

namespace deputy::aws {
namespace {

constexpr std::array<std::string_view, 6> codes{"Timeout",   "ConnectionFailed", "ConnectionCut",
                                                "TlsFailed", "ResponseTooLarge", "Closed"};

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view lower_case_name) const {
  const auto found = std::ranges::find(headers, lower_case_name, &std::pair<std::string, std::string>::first);
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

Error transport_error(std::string_view code, std::string_view what) {
  return {ErrorKind::upstream_unavailable, "AWS could not be reached; try again shortly",
          std::string{code}.append(": ").append(what)};
}

std::string transport_error_code(const Error& error) {
  const std::string_view code = std::string_view{error.detail}.substr(0, error.detail.find(':'));
  return std::string{std::ranges::find(codes, code) != codes.end() ? code : "Unavailable"};
}

}  // namespace deputy::aws
