#pragma once

#include <string>

#include "app/api_client.hpp"
#include "app/demo/customer.hpp"

namespace deputy::app {

// What a partner's backend does for a new customer: signs it up, puts the template of its connection where
// launch links lead, and asks for a link to the connect page. Real calls to Deputy and to the sandbox's S3.
class Invitations {
 public:
  // `return_to`: where the page leads back to; the tenant's identifier is put behind it.
  Invitations(aws::Transport& transport, ApiClient api, Customer partner, std::string return_to)
      : transport_(transport),
        api_(std::move(api)),
        partner_(std::move(partner)),
        return_to_(std::move(return_to)) {}

  // Lets every account read the published templates, as CloudFormation does on a customer's behalf.
  Task<Result<void>> open_the_bucket();
  // The link for the customer's administrator, good for a week.
  Task<Result<std::string>> invite(std::string name);
  // Opens the link as a browser does; an error unless the page names the customer.
  Task<Result<void>> open(std::string link, std::string name);

 private:
  Task<Result<ApiAnswer>> make(std::string path, boost::json::value body);
  Task<Result<void>> publish_template(std::string connection_id);

  aws::Transport& transport_;
  ApiClient api_;
  Customer partner_;
  std::string return_to_;
};

}  // namespace deputy::app
