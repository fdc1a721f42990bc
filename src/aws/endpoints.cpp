#include "aws/endpoints.hpp"

#include <algorithm>
#include <array>

#include "aws/shared_files.hpp"
#include "core/assert.hpp"

namespace deputy::aws {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> service_variables{{
    {"sts", "AWS_ENDPOINT_URL_STS"},
    {"iam", "AWS_ENDPOINT_URL_IAM"},
    {"logs", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"},
    {"s3", "AWS_ENDPOINT_URL_S3"},
    {"cloudformation", "AWS_ENDPOINT_URL_CLOUDFORMATION"},
}};

std::string without_trailing_slashes(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool is_base_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || url.size() > 1'024) return false;
  const std::string_view host = url.substr(scheme, url.find('/', scheme) - scheme);
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  return !host.empty() && std::ranges::all_of(url, is_visible) &&
         url.find_first_of("?#@\\\"<>") == std::string_view::npos;
}

Result<std::string> checked_url(std::string url, std::string_view source) {
  if (!is_base_url(url)) {
    return Error{ErrorKind::invalid_request, std::string{source} + ": " + in_backticks(url) +
                                                 " is no address such as `https://sts.example.com`"};
  }
  return without_trailing_slashes(std::move(url));
}

std::optional<std::string> non_empty(const Environment& environment, std::string_view name) {
  auto value = environment(std::string{name});
  return value && !value->empty() ? value : std::nullopt;
}

std::string aws_host(const std::string& service, const Region& region) {
  const Partition partition = region.partition();
  const std::string suffix = partition == Partition::aws_cn ? ".amazonaws.com.cn" : ".amazonaws.com";
  if (service != "iam") return service + "." + region.text() + suffix;
  switch (partition) {
    case Partition::aws:
      return "iam" + suffix;
    case Partition::aws_us_gov:
      return "iam.us-gov" + suffix;
    case Partition::aws_cn:
      return "iam.cn-north-1" + suffix;
  }
  DEPUTY_ASSERT(false);
}

}  // namespace

Result<Endpoints> Endpoints::configured(const Environment& environment) {
  Endpoints endpoints;
  if (environment("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").value_or("") == "true") return endpoints;
  for (const auto& [service, variable] : service_variables) {
    const auto value = non_empty(environment, variable);
    if (!value) continue;
    DEPUTY_TRY(std::string url, checked_url(*value, variable));
    endpoints.by_service_.emplace_back(service, std::move(url));
  }
  if (const auto value = non_empty(environment, "AWS_ENDPOINT_URL")) {
    DEPUTY_TRY(endpoints.all_services_, checked_url(*value, "AWS_ENDPOINT_URL"));
    return endpoints;
  }
  DEPUTY_TRY(const auto profile, read_profile(environment));
  if (!profile) return endpoints;
  if (profile->find("services") != nullptr) {
    return Error{ErrorKind::invalid_request,
                 "profile " + in_backticks(profile->name) +
                     ": `services` is not supported; use `endpoint_url` or AWS_ENDPOINT_URL_STS"};
  }
  if (const std::string* value = profile->find("endpoint_url")) {
    DEPUTY_TRY(endpoints.all_services_,
               checked_url(*value, "profile " + in_backticks(profile->name) + ", endpoint_url"));
  }
  return endpoints;
}

Endpoints Endpoints::at(std::string url) {
  Endpoints endpoints;
  endpoints.all_services_ = without_trailing_slashes(std::move(url));
  return endpoints;
}

std::string Endpoints::url(const std::string& service, const Region& region) const {
  for (const auto& [name, url] : by_service_) {
    if (name == service) return url;
  }
  if (!all_services_.empty()) return all_services_;
  return "https://" + aws_host(service, region);
}

Region iam_signing_region(Partition partition) {
  switch (partition) {
    case Partition::aws:
      return Region::parse("us-east-1").value();
    case Partition::aws_us_gov:
      return Region::parse("us-gov-west-1").value();
    case Partition::aws_cn:
      return Region::parse("cn-north-1").value();
  }
  DEPUTY_ASSERT(false);
}

}  // namespace deputy::aws
