#include <boost/url.hpp>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "templates/document.hpp"
#include "templates/quoting.hpp"
#include "templates/template.hpp"

namespace deputy::templates {
namespace {

constexpr std::size_t template_url_length_max = 1'024;

// Each partition has its own console.
// https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/using-govcloud-endpoints.html,
// https://docs.amazonaws.cn/en_us/aws/latest/userguide/introduction.html
std::string console_of(const Region& region) {
  switch (region.partition()) {
    case Partition::aws:
      return "https://" + region.text() + ".console.aws.amazon.com";
    case Partition::aws_us_gov:
      return "https://console.amazonaws-us-gov.com";
    case Partition::aws_cn:
      return "https://console.amazonaws.cn";
  }
  DEPUTY_ASSERT(false);
}

// `s3.amazonaws.com`, `s3.REGION.amazonaws.com`, `s3-REGION.amazonaws.com`, each also behind a bucket's name,
// and China's.
bool is_host_of_s3(std::string_view host) {
  for (const std::string_view suffix : {".amazonaws.com", ".amazonaws.com.cn"}) {
    if (!host.ends_with(suffix)) continue;
    std::string_view rest = host.substr(0, host.size() - suffix.size());
    const std::size_t dot = rest.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
    if (last == "s3" || last.starts_with("s3-")) return true;
    if (dot == std::string_view::npos || !Region::parse(last)) continue;
    rest = rest.substr(0, dot);
    if (rest.ends_with(".dualstack")) rest.remove_suffix(std::string_view{".dualstack"}.size());
    if (rest == "s3" || rest.ends_with(".s3")) return true;
  }
  return false;
}

bool is_this_machine(const boost::urls::url_view& url) {
  // Of `127.0.0.1.example.com` Boost.URL 1.81 takes `127.0.0.1` for the host and the rest for the path.
  if (!url.encoded_path().empty() && !url.encoded_path().starts_with('/')) return false;
  switch (url.host_type()) {
    case boost::urls::host_type::ipv4:
      return url.host_ipv4_address().is_loopback();
    case boost::urls::host_type::ipv6:
      return url.host_ipv6_address().is_loopback();
    default:
      return url.encoded_host() == "localhost";
  }
}

Result<void> check_template_url(std::string_view text) {
  const auto url = boost::urls::parse_uri(text);
  const bool good = url && text.size() <= template_url_length_max && url->scheme() == "https" &&
                    !url->has_userinfo() && !url->has_port() && !url->has_fragment() &&
                    is_host_of_s3(url->encoded_host());
  if (good) return success();
  return Error{
      ErrorKind::invalid_request,
      fmt::format("the template's address {} must be an https URL of Amazon S3 of at most {} characters",
                  in_backticks(text), template_url_length_max)}
      .with_field("template_url");
}

}  // namespace

Result<std::string> launch_url(const RoleDescription& role, const Region& region,
                               std::string_view template_url, std::string_view console) {
  DEPUTY_TRY(check_template_url(template_url));
  const Partition partners = role.trust.partner_principal.partition();
  if (region.partition() != partners) {
    return Error{ErrorKind::invalid_request,
                 fmt::format("the Region {} is in the partition {}, and the partner's principal in {}: roles "
                             "there cannot trust it",
                             in_backticks(region.text()), to_text(region.partition()), to_text(partners))}
        .with_field("region");
  }
  std::string out = fmt::format(
      "{}/cloudformation/home?region={}#/stacks/quickcreate?templateURL={}&stackName={}&param_ExternalId={}",
      console.empty() ? console_of(region) : std::string{console}, region.text(), url_encoded(template_url),
      url_encoded(default_role_name(role.integration, role.connection)),
      url_encoded(role.trust.external_id.text()));
  if (role.trust.next_external_id)
    out += "&param_NextExternalId=" + url_encoded(role.trust.next_external_id->text());
  return out;
}

Result<std::string> parse_console_url(const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  const bool web = url && text.size() <= template_url_length_max &&
                   (url->scheme() == "http" || url->scheme() == "https") && !url->has_userinfo() &&
                   !url->has_query() && !url->has_fragment();
  if (!web || !is_this_machine(*url))
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) +
                     " is not an http address on this machine, such as "
                     "`http://127.0.0.1:4566/console`: only the sandbox stands in for the console"};
  return text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

}  // namespace deputy::templates
