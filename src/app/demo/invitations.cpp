#include "app/demo/invitations.hpp"

#include <fmt/format.h>

#include "app/demo/world.hpp"

namespace deputy::app {
namespace {

Error failed(std::string_view what, std::string_view why) {
  return Error{ErrorKind::internal, fmt::format("{}: {}", what, why)};
}

}  // namespace

Task<Result<void>> Invitations::open_the_bucket() {
  const auto opened = co_await partner_.open_bucket(std::string{template_bucket});
  if (!opened) co_return failed("s3:PutBucketPolicy", opened.error().message);
  co_return success();
}

Task<Result<ApiAnswer>> Invitations::make(std::string path, boost::json::value body) {
  DEPUTY_CO_TRY(auto answer, co_await api_.call("POST", path, std::move(body)));
  if (answer.status != 201) co_return failed("POST " + path, answer.text);
  co_return answer;
}

Task<Result<void>> Invitations::publish_template(std::string connection_id) {
  const std::string path = "/v1/connections/" + connection_id + "/template?format=cloudformation";
  DEPUTY_CO_TRY(auto written, co_await api_.call("GET", path));
  if (!written.ok()) co_return failed("GET " + path, written.text);
  const auto put = co_await partner_.put_object(std::string{template_bucket}, connection_id + ".yaml",
                                                std::move(written.text));
  if (!put) co_return failed("s3:PutObject", put.error().message);
  co_return success();
}

Task<Result<std::string>> Invitations::invite(std::string name) {
  const boost::json::value customer{{"name", name}};
  DEPUTY_CO_TRY(const auto tenant, co_await make("/v1/tenants", customer));
  const boost::json::value wanted{{"tenant_id", tenant.member("id")}, {"integration", "log-reader"}};
  DEPUTY_CO_TRY(const auto connection, co_await make("/v1/connections", wanted));
  DEPUTY_CO_TRY(co_await publish_template(connection.member("id")));
  boost::json::value link = wanted;
  link.as_object()["expires_in"] = "7d";
  link.as_object()["return_url"] = return_to_ + "?customer=" + tenant.member("id");
  DEPUTY_CO_TRY(const auto session, co_await make("/v1/connect-sessions", std::move(link)));
  co_return session.member("url");
}

Task<Result<void>> Invitations::open(std::string link, std::string name) {
  const std::string origin = link.substr(0, link.find("/connect/"));
  std::string cookie;
  for (int hops = 0; hops < 4; ++hops) {
    aws::HttpRequest request{.url = link, .headers = {}, .body = {}, .direct = true};
    if (!cookie.empty()) request.headers.emplace_back("cookie", cookie);
    DEPUTY_CO_TRY(const auto answer, co_await transport_.send(std::move(request)));
    if (const auto set = answer.header("set-cookie")) cookie = set->substr(0, set->find(';'));
    if (answer.status == 200 && answer.body.find(name) != std::string::npos) co_return success();
    const auto location = answer.header("location");
    if (answer.status != 303 || !location)
      co_return failed("the connect page", fmt::format("status {}", answer.status));
    link = origin + std::string{*location};
  }
  co_return failed("the connect page", "it leads on and on");
}

}  // namespace deputy::app
