#pragma once

#include <boost/json.hpp>
#include <string>
#include <utility>

#include "broker/broker.hpp"
#include "registry/registry.hpp"
#include "verify/progress.hpp"

// The domain's values as the API's objects (see openapi.json). Pure.
namespace deputy::api {

// A workload learns of a connection neither the role ARN nor any external ID.
enum class Audience { partner, workload };

boost::json::object render(const registry::Tenant& tenant);
boost::json::object render(const registry::Integration& integration);
boost::json::object render(const registry::Connection& connection, Audience audience);
boost::json::object render(const registry::Verification& verification);
// One that runs, as far as it is.
boost::json::object render(registry::Verification running, const verify::Progress& progress);
boost::json::object render(const registry::Issuance& issuance);
boost::json::object render(const registry::Workload& workload);
boost::json::object render(const registry::Key& key);
boost::json::object render(const registry::ConnectSession& session);
boost::json::object render(const journal::ChainedEntry& entry);

// `{items, next_cursor}`.
template <class T, class RenderItem>
std::string render_page(const registry::Page<T>& page, RenderItem render_item) {
  boost::json::array items;
  items.reserve(page.items.size());
  for (const T& item : page.items) items.push_back(render_item(item));
  boost::json::object body;
  body["items"] = std::move(items);
  body["next_cursor"] = page.next_cursor ? boost::json::value{boost::json::string_view{*page.next_cursor}}
                                         : boost::json::value{};
  return boost::json::serialize(body);
}

// Written straight into the text that is sent, so that no copy of a secret stays behind in a tree of values.
std::string render_credentials(const broker::IssuedCredentials& issued, Timestamp now);
// AccessKeyId, SecretAccessKey, Token, Expiration, AccountId, as SDKs read them.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
std::string render_container_credentials(const broker::IssuedCredentials& issued);

}  // namespace deputy::api
