#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "aws/transport.hpp"

namespace deputy {

// A transport whose answers a test scripts, in order; `otherwise` answers when the script is over. It records
// every request. With neither, the request fails as one that could not connect. Use on one loop's thread.
class FakeTransport final : public aws::Transport {
 public:
  using Answer = std::function<Result<aws::HttpResponse>(const aws::HttpRequest& request)>;

  std::deque<Answer> answers;
  Answer otherwise;
  std::vector<aws::HttpRequest> requests;

  void then(int status, std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
    answers.push_back(always(status, std::move(body), std::move(headers)));
  }
  // `Timeout`, `ConnectionFailed`, …: see aws::transport_error.
  void then_no_answer(std::string code) {
    answers.push_back([code = std::move(code)](const aws::HttpRequest&) -> Result<aws::HttpResponse> {
      return aws::transport_error(code, "scripted by the test");
    });
  }
  static Answer always(int status, std::string body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
    return [response = aws::HttpResponse{status, std::move(headers), std::move(body)}](
               const aws::HttpRequest&) -> Result<aws::HttpResponse> { return response; };
  }

  Task<Result<aws::HttpResponse>> send(aws::HttpRequest request) override {
    requests.push_back(std::move(request));
    Answer answer = otherwise;
    if (!answers.empty()) {
      answer = std::move(answers.front());
      answers.pop_front();
    }
    if (!answer) co_return aws::transport_error("ConnectionFailed", "the test scripted no answer");
    // By value: the answer may send again.
    const aws::HttpRequest recorded = requests.back();
    co_return answer(recorded);
  }
};

// The value of a request's header, by its exact name; empty when it is not there.
inline std::string header_of(const aws::HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace deputy
