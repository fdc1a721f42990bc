#include "sandbox/template_address.hpp"

#include <fmt/format.h>

#include "sandbox/bucket.hpp"

namespace deputy::sandbox {
namespace {

// `s3`, `s3.REGION` and `s3-REGION`: of a host without its domain, or what follows a bucket's name in it.
bool names_s3(std::string_view labels) {
  if (labels == "s3") return true;
  return (labels.starts_with("s3.") || labels.starts_with("s3-")) && Region::parse(labels.substr(3));
}

std::optional<ObjectAddress> named(std::string_view bucket, std::string_view key) {
  if (bucket.empty() || key.empty()) return std::nullopt;
  return ObjectAddress{std::string{bucket}, std::string{key}};
}

}  // namespace

std::optional<ObjectAddress> parse_object_url(std::string_view url) {
  constexpr std::size_t url_length_max = 5'120;
  constexpr std::string_view scheme = "https://", domain = ".amazonaws.com", chinese = ".cn";
  if (url.size() > url_length_max || !url.starts_with(scheme) ||
      url.find_first_of("?#") != std::string_view::npos)
    return std::nullopt;
  url.remove_prefix(scheme.size());
  std::string_view host = url.substr(0, url.find('/'));
  const auto path = http::decode_path(url.substr(host.size()));
  if (host.ends_with(chinese)) host.remove_suffix(chinese.size());
  if (!path || !host.ends_with(domain)) return std::nullopt;
  host.remove_suffix(domain.size());
  const std::string_view rest = std::string_view{*path}.substr(1);
  if (names_s3(host)) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    return named(rest.substr(0, slash), rest.substr(slash + 1));
  }
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1))
    if (names_s3(host.substr(dot + 1))) return named(host.substr(0, dot), rest);
  return std::nullopt;
}

Outcome<std::string> read_template_at(World& world, const Call& call, std::string_view url) {
  const auto address = parse_object_url(url);
  if (!address) return validation_error("TemplateURL must be a supported URL.");
  const auto object = read_object(world, call, address->bucket, address->key);
  if (!object)
    return validation_error(
        fmt::format("S3 error: {}\nFor more information check "
                    "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
                    object.error().message));
  return object.value()->body;
}

}  // namespace deputy::sandbox
