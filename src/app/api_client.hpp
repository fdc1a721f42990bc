#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "aws/transport.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "core/task.hpp"

namespace deputy::app {

// What the API answered, refusals included.
struct ApiAnswer {
  int status = 0;
  boost::json::value body;                          // null when the answer is not JSON
  std::string text;                                 // the answer as it came
  std::optional<std::chrono::seconds> retry_after;  // what Retry-After says, unless it is a date
  bool ok() const { return status >= 200 && status < 300; }
  // The body's member as text; empty when it is missing or null.
  std::string member(std::string_view name) const;
};

// Of a list, 200 items each: a server that never comes to an end is not followed for ever.
inline constexpr int list_pages_max = 10'000;

// Deputy's own HTTP API, as its commands and the demo call it; plain http never through a proxy. `url`: see
// server_url.hpp. On the loop's thread; `transport` outlives the client.
class ApiClient {
 public:
  ApiClient(aws::Transport& transport, std::string url, SecretString key)
      : transport_(transport), url_(std::move(url)), key_(std::move(key)) {}

  // The same API with another key.
  ApiClient with_key(SecretString key) const { return {transport_, url_, std::move(key)}; }

  // An Error only when no answer came.
  Task<Result<ApiAnswer>> call(std::string method, std::string path,
                               std::optional<boost::json::value> body = std::nullopt);

 private:
  aws::Transport& transport_;
  std::string url_;
  SecretString key_;
};

}  // namespace deputy::app
