#pragma once

#include "support/base_credentials_fixture.hpp"
#include "support/loop_runner.hpp"
#include "support/loopback_server.hpp"

#include <mutex>
#include <string>
#include <vector>

#include "aws/curl_transport.hpp"

namespace deputy {

// The same over real sockets: a server on loopback answers as the service is documented to, and the requests
// that came are kept.
class LoopbackSourcesFixture : public BaseCredentialsFixture {
 protected:
  aws::Credentials fetch_really(aws::CredentialSource& source) { return told(real.run(source.fetch({}))); }

  LoopbackServer::Answer recording(LoopbackServer::Answer answer) {
    return [this, answer = std::move(answer)](const std::string& request) {
      {
        const std::lock_guard lock{mutex_};
        requests_.push_back(request);
      }
      return answer(request);
    };
  }
  std::vector<std::string> requests() {
    const std::lock_guard lock{mutex_};
    return requests_;
  }
  static std::string body_of(const std::string& request) {
    return request.substr(request.find("\r\n\r\n") + 4);
  }
  static bool has(const std::string& request, const std::string& part) {
    return request.find(part) != std::string::npos;
  }

  RealLoop real;
  aws::CurlTransport curl{real.loop()};
  aws::Endpoints real_endpoints = aws::Endpoints::of_aws();
  const aws::Caller real_caller{real.loop(), clock, random, curl, real_endpoints, {}};
  const aws::SourceContext real_context{real_caller, pool, environment, std::nullopt};

 private:
  std::mutex mutex_;
  std::vector<std::string> requests_;
};

}  // namespace deputy
