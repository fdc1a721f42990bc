#pragma once

#include <boost/json/array.hpp>
#include <memory>
#include <optional>
#include <string>

#include "app/api_client.hpp"
#include "http/server.hpp"

namespace deputy::app {

// The site of the demo's partner: one page that lists the AWS accounts of its customers as Deputy's API tells
// of them, to which the connect page leads back, with a button that makes the partner ask for more.
// On the loop's thread.
class PartnerSite {
 public:
  explicit PartnerSite(http::AsioLoop& loop);

  Result<void> listen();
  // From now on it has something to show.
  void use(ApiClient api) { api_.emplace(std::move(api)); }
  std::string url() const;
  Task<void> stop();

 private:
  Task<http::Response> handle(http::Request request);
  Task<std::string> accounts_page(std::string customer);
  Task<bool> ask_for_more();  // whether Deputy took it
  Task<boost::json::array> list(std::string path);

  std::unique_ptr<http::Server> server_;
  std::optional<ApiClient> api_;
};

}  // namespace deputy::app
