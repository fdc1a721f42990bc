#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/api_client.hpp"
#include "app/demo/customer.hpp"
#include "app/demo/narrator.hpp"
#include "app/service.hpp"
#include "aws/caller.hpp"

namespace deputy::app {

// Tells the story chapter by chapter. Every line is a real call: to Deputy's HTTP API as the partner's
// backend, to the sandbox as a customer's administrator. A chapter that does not come out as told ends the
// story with the difference as its error.
class Story {
 public:
  Story(const aws::Caller& caller, Service& service, ApiClient api, Narrator& narrator);

  // Ends early, with an error, between two chapters when asked to stop.
  Task<Result<void>> tell(std::stop_token stop);
  const std::string& acme_role_arn() const { return acme_role_arn_; }  // after the story
  const std::string& acme_tenant_id() const { return acme_connection_.tenant_id; }

 private:
  struct CustomerConnection {
    std::string tenant_id;
    std::string id;
    std::string external_id;
  };

  Task<Result<void>> define_integration();
  Task<Result<void>> refuse_a_chosen_external_id();
  Task<Result<void>> connect_acme();
  Task<Result<void>> reject_globex();
  Task<Result<void>> find_a_hidden_door();
  Task<Result<void>> refuse_mallory();
  Task<Result<void>> use_acmes_account();
  Task<Result<void>> collect_acmes_logs();
  Task<Result<void>> suspend_on_drift();
  Task<Result<void>> repair();
  Task<Result<void>> rotate();
  Task<Result<void>> verify_journal();

  // Calls the API and tells it; an answer with another status than `status` is an error.
  Task<Result<ApiAnswer>> ask(std::string who, std::string method, std::string path, int status,
                              std::optional<boost::json::value> body = std::nullopt);
  Task<Result<CustomerConnection>> sign_up(std::string name);
  Task<Result<void>> give_role(CustomerConnection connection, std::string role_arn);
  // Waits until the newest verification is done; returns it.
  Task<Result<boost::json::value>> verification_of(std::string connection_id);
  // Gives the role and waits for what its verification says.
  Task<Result<boost::json::value>> answer_to(CustomerConnection connection, std::string role_arn);
  Task<Result<boost::json::value>> verify_now(std::string connection_id);
  Task<Result<std::vector<std::string>>> followed_logs(std::string whose, std::string cursor,
                                                       std::size_t wanted);
  Task<Result<std::vector<std::string>>> found_logs(std::string whose, std::string words);
  static boost::json::value check_of(const boost::json::value& verification, std::string_view name);
  Task<Result<std::string>> state_of(std::string connection_id);
  // An active connection is to be proved, too.
  Task<Result<void>> expect_state(std::string connection_id, std::string state);
  Task<Result<Customer>> credentials_for_acme();
  Task<Result<void>> relaunch_acmes_stack(std::string why);
  void tell_checks(const boost::json::value& verification);

  const aws::Caller& caller_;
  Service& service_;
  ApiClient api_;
  Narrator& narrator_;
  Region region_;
  Customer acme_;
  Customer globex_;
  CustomerConnection acme_connection_;
  CustomerConnection globex_connection_;
  std::string acme_role_arn_;
  std::string workload_key_;
};

}  // namespace deputy::app
