#include "app/demo/demo.hpp"

#include "console/console.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <spdlog/spdlog.h>
#include <system_error>

#include "app/demo/invitations.hpp"
#include "app/demo/narrator.hpp"
#include "app/demo/partner_site.hpp"
#include "app/demo/story.hpp"
#include "app/demo/world.hpp"
#include "app/initialise.hpp"
#include "app/service.hpp"
#include "aws/curl_transport.hpp"
#include "core/task_group.hpp"
#include "http/server.hpp"
#include "sandbox/sandbox.hpp"

namespace deputy::app {
namespace {

// A folder that goes when the demo ends: the database, the master key and the configuration are in it.
class DemoFolder {
 public:
  DemoFolder() {
    const char* const wanted = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nothing calls setenv
    parent_ = wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
    std::string pattern = (parent_ / "deputy-demo-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) {
      path_ = pattern;
    } else {
      reason_ = std::generic_category().message(errno);
    }
  }
  ~DemoFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  DemoFolder(const DemoFolder&) = delete;
  DemoFolder& operator=(const DemoFolder&) = delete;
  // Where it is, or why there is none.
  Result<std::filesystem::path> path() const {
    if (!path_.empty()) return path_;
    return Error{ErrorKind::invalid_request,
                 fmt::format("no folder for the demo can be made in {}: {}; set TMPDIR to one that can be "
                             "written",
                             in_backticks(parent_.native()), reason_)};
  }

 private:
  std::filesystem::path parent_, path_;
  std::string reason_;
};

// As in production but for the times: nobody wants to wait for two minutes in a demo.
Config demo_config(const Initialised& installation, const std::string& sandbox_url,
                   const std::string& partner_url) {
  Config config;
  config.server.listen.port = 0;
  config.storage.sqlite_file = installation.database;
  config.security.master_key_file = installation.master_key_file;
  config.aws.region = Region::parse(demo_region).value();
  config.aws.partner_principal = RoleArn::parse(partner_role).value();
  config.verification.propagation_window = std::chrono::seconds{2};
  config.verification.min_interval = std::chrono::milliseconds{0};
  config.verification.per_tenant_per_hour = 1'000;
  config.connect.template_url =
      fmt::format("https://{}.s3.{}.amazonaws.com/{{connection}}.yaml", template_bucket, demo_region);
  config.connect.brand_name = "Log Loader";
  config.connect.brand_colour = "#0f6b5c";
  config.connect.return_urls = {registry::ReturnUrl::parse(partner_url).value()};
  config.connect.console_url = sandbox_url + "/console";
  config.logs.directory = installation.database.parent_path() / "logs";
  config.logs.collect = true;
  config.logs.discovery = std::chrono::seconds{1};
  config.logs.poll_max = std::chrono::seconds{1};
  config.logs.sinks = {
      LogSinkSpec{.kind = LogSinkSpec::Kind::search, .name = "search", .folder = {}, .url = {}}};
  return config;
}

class Demo {
 public:
  explicit Demo(const DemoOptions& options) : options_(options), narrator_(options.colour) {}

  int run() {
    int status = 1;
    TaskGroup group;
    loop_.on_stop_signal([this](int) { stop_.request_stop(); });
    group.spawn(live(status));
    loop_.run();
    return status;
  }

 private:
  Task<void> live(int& status) {
    const auto told = co_await start_and_tell();
    if (told) {
      status = 0;
      if (!options_.exit) co_await stay_up();
    } else if (stop_.stop_requested() && !options_.exit) {
      status = 0;  // Ctrl-C while it told: as clean an end as afterwards
    } else {
      narrator_.went_wrong(told.error().message);
      if (!told.error().detail.empty()) narrator_.went_wrong(told.error().detail);
    }
    if (service_) co_await service_->stop();
    transport_.close();
    if (partner_site_) co_await partner_site_->stop();
    if (sandbox_server_) co_await sandbox_server_->drain(std::chrono::seconds{1});
    loop_.stop();
  }

  Task<Result<void>> start_and_tell() {
    DEPUTY_CO_TRY(const auto folder, folder_.path());
    narrator_.title(
        "Deputy: no customer's AWS account can be reached through another customer's connection.");
    narrator_.plain(
        "Everything below is a real call: to Deputy over HTTP, to the sandbox as AWS would be called.");
    DEPUTY_CO_TRY(const auto seed, sandbox::read_seed(demo_seed()));
    DEPUTY_CO_TRY(sandbox_.apply(seed));
    sandbox_server_ = std::make_unique<http::Server>(loop_, http::ServerOptions{},
                                                     console::with_console(sandbox_, console_));
    DEPUTY_CO_TRY(sandbox_server_->listen());
    sandbox_url_ = fmt::format("http://127.0.0.1:{}", sandbox_server_->port());
    endpoints_ = aws::Endpoints::at(sandbox_url_);
    caller_ = std::make_unique<aws::Caller>(aws::Caller{loop_, clock_, random_, transport_, *endpoints_, {}});
    sts_ = aws::make_sts(*caller_);

    DEPUTY_CO_TRY(auto installation, initialise(folder, clock_, random_));
    admin_key_ = installation.admin_key;
    Surroundings surroundings{[](const std::string&) { return std::nullopt; }, *endpoints_,
                              partner_session(*sts_, clock_)};
    partner_site_ = std::make_unique<PartnerSite>(loop_);
    DEPUTY_CO_TRY(partner_site_->listen());
    service_ = std::make_unique<Service>(loop_, demo_config(installation, sandbox_url_, partner_site_->url()),
                                         std::move(surroundings));
    DEPUTY_CO_TRY(co_await service_->start());
    url_ = fmt::format("http://127.0.0.1:{}", service_->port());
    narrator_.plain(fmt::format("Deputy listens on {}, the sandbox on {}.", url_, sandbox_url_));

    partner_site_->use(ApiClient{transport_, url_, admin_key_});
    Story story{*caller_, *service_, ApiClient{transport_, url_, admin_key_}, narrator_};
    DEPUTY_CO_TRY(co_await story.tell(stop_.get_token()));
    acme_role_arn_ = story.acme_role_arn();
    acme_tenant_id_ = story.acme_tenant_id();
    DEPUTY_CO_TRY(co_await invite_people());
    narrator_.plain("");
    narrator_.title("Every step came out as told.");
    co_return success();
  }

  // Links to the connect page for somebody who is yet to come, and for somebody who means ill.
  Task<Result<void>> invite_people() {
    narrator_.chapter("Who comes next gets a link: Initech's administrator, and Mallory");
    Invitations invitations{
        transport_, ApiClient{transport_, url_, admin_key_},
        Customer{*caller_, Region::parse(demo_region).value(), partner_platform.credentials()},
        partner_site_->url()};
    DEPUTY_CO_TRY(co_await invitations.open_the_bucket());
    narrator_.asked("partner", "s3:PutObject of the template, POST /v1/connect-sessions");
    DEPUTY_CO_TRY(initech_link_, co_await invitations.invite("Initech"));
    DEPUTY_CO_TRY(mallory_link_, co_await invitations.invite("Mallory & Co"));
    narrator_.asked("Initech's administrator", "opens the link");
    DEPUTY_CO_TRY(co_await invitations.open(initech_link_, "Initech"));
    narrator_.came_back("a page that says who asks, for whom, and for what");
    co_return success();
  }

  Task<void> stay_up() {
    narrator_.plain("");
    narrator_.plain("Click through it in a browser:");
    narrator_.plain(
        "  Be Initech's administrator, and connect an account (the console's stand-in opens by itself):");
    narrator_.plain("    " + initech_link_);
    narrator_.plain("  Be Mallory, who gives Acme's role instead of one of her own, and watch it fail:");
    narrator_.plain("    " + mallory_link_);
    narrator_.plain("    Acme's role: " + acme_role_arn_);
    narrator_.plain(
        fmt::format("  The partner's own site, to which the page leads back; there it can ask for one more "
                    "permission:\n    {}",
                    partner_site_->url()));
    narrator_.plain(
        fmt::format("  Change a trust policy, update or delete a stack:\n    {}/console/", sandbox_url_));
    narrator_.plain("");
    narrator_.plain("Explore (the key is this demo's own, and goes with it):");
    narrator_.plain(fmt::format("  export DEPUTY_URL={} DEPUTY_KEY={}", url_, admin_key_.reveal()));
    narrator_.plain("  build/release/deputy connection list");
    narrator_.plain(fmt::format("  build/release/deputy logs tail --tenant {}   Acme's log, as it comes",
                                acme_tenant_id_));
    narrator_.plain(fmt::format("  {}/   the service, its API and metrics", url_));
    narrator_.plain(fmt::format(
        "  aws --endpoint-url {} sts get-caller-identity   (AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={})",
        sandbox_url_, acme_admin.access_key_id, acme_admin.secret_access_key));
    narrator_.plain("Ctrl-C ends it.");
    while (co_await sleep_for(loop_, std::chrono::hours{1}, stop_.get_token())) {
    }
  }

  const DemoOptions options_;
  Narrator narrator_;
  DemoFolder folder_;
  SystemClock clock_;
  SystemRandom random_;
  std::stop_source stop_;
  http::AsioLoop loop_;
  aws::CurlTransport transport_{loop_};
  std::optional<aws::Endpoints> endpoints_;
  std::unique_ptr<aws::Caller> caller_;
  std::unique_ptr<aws::Sts> sts_;
  sandbox::Sandbox sandbox_{clock_, random_, loop_};
  const console::Console console_{sandbox_, clock_};
  std::unique_ptr<http::Server> sandbox_server_;
  std::unique_ptr<PartnerSite> partner_site_;
  SecretString admin_key_;
  std::string url_;
  std::string sandbox_url_;
  std::string initech_link_, mallory_link_, acme_role_arn_, acme_tenant_id_;
  std::unique_ptr<Service> service_;
};

}  // namespace

int run_demo(const DemoOptions& options) {
  spdlog::set_level(spdlog::level::off);  // the story is the output; what goes wrong is told in it
  Demo demo{options};
  return demo.run();
}

}  // namespace deputy::app
