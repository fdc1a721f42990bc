#include "process.hpp"

#include <cstdio>
#include <cstdlib>

namespace deputy::logs {
namespace {

Error died() {
  return {ErrorKind::internal, "the process was killed"};
}

}  // namespace

// ── The disk ──

class DyingFiles::File final : public AppendFile {
 public:
  File(DyingFiles& files, std::unique_ptr<AppendFile> file, std::filesystem::path path)
      : files_(files), file_(std::move(file)), path_(std::move(path)) {}

  Result<void> append(std::string_view bytes) override {
    if (files_.dice_.chance(files_.full)) {
      // A part may have been written.
      [[maybe_unused]] const auto part = file_->append(bytes.substr(0, bytes.size() / 2));
      return Error{ErrorKind::overloaded, "the log collector's disk is full"};
    }
    auto alive = files_.step();
    if (!alive) {
      if (files_.dies_now_) {
        [[maybe_unused]] const auto part = file_->append(bytes.substr(
            0, static_cast<std::size_t>(files_.dice_.uniform(0, static_cast<std::int64_t>(bytes.size())))));
        written_ += bytes.size();
        tear();
      }
      return alive;
    }
    written_ += bytes.size();
    return file_->append(bytes);
  }

  Result<void> sync() override {
    auto alive = files_.step();
    if (!alive) {
      if (files_.dies_now_) tear();
      return alive;
    }
    synced_ = written_;
    return success();  // a real sync would only cost time
  }

 private:
  // Of what was not synced, any beginning may be there.
  void tear() {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_, error);
    if (error || size <= synced_) return;
    std::filesystem::resize_file(path_,
                                 static_cast<std::uintmax_t>(files_.dice_.uniform(
                                     static_cast<std::int64_t>(synced_), static_cast<std::int64_t>(size))),
                                 error);
  }

  DyingFiles& files_;
  std::unique_ptr<AppendFile> file_;
  std::filesystem::path path_;
  std::uint64_t written_ = 0, synced_ = 0;
};

Result<void> DyingFiles::step() {
  dies_now_ = false;
  if (dead_) return died();
  if (++operations_ < dies_at_) return success();
  dead_ = dies_now_ = true;
  ++dice_.faults_done;
  return died();
}

Result<std::unique_ptr<AppendFile>> DyingFiles::create(const std::filesystem::path& file) {
  DEPUTY_TRY(step());
  DEPUTY_TRY(auto made, system_files().create(file));
  return std::make_unique<File>(*this, std::move(made), file);
}
Result<std::vector<char>> DyingFiles::read(const std::filesystem::path& file, std::uint64_t offset,
                                           std::size_t length) {
  if (dead_) return died();
  return system_files().read(file, offset, length);
}
Result<void> DyingFiles::remove(const std::filesystem::path& file) {
  DEPUTY_TRY(step());
  return system_files().remove(file);
}
Result<bool> DyingFiles::is_left(const std::filesystem::path& file) {
  if (dead_) return died();
  return system_files().is_left(file);
}
Result<std::vector<std::string>> DyingFiles::list(const std::filesystem::path& folder) {
  if (dead_) return died();
  return system_files().list(folder);
}

// ── The process ──

class Process::Disk final : public Blocking {
 public:
  explicit Disk(Process& process) : process_(process) {}
  Task<Result<void>> run(std::function<void()> work) override {
    if (process_.dead()) co_return died();
    if (process_.clock.steady_now() < process_.frozen_until) {
      const auto left = process_.frozen_until - process_.clock.steady_now();
      co_await sleep_for(process_.loop, std::chrono::ceil<std::chrono::milliseconds>(left), {});
    }
    if (const int most = process_.cloud.faults.disk_ms_max; most > 0) {
      const std::chrono::milliseconds takes{process_.cloud.uniform(0, most)};
      if (takes.count() > 0) co_await sleep_for(process_.loop, takes, {});
      if (process_.dead()) co_return died();
    }
    work();
    if (process_.cloud.chance(process_.die_after_write)) {
      ++process_.cloud.faults_done;
      process_.files.kill();
    }
    if (process_.dead()) {
      process_.trace("dies");
      co_return died();
    }
    co_return success();
  }

 private:
  Process& process_;
};

class Process::Client final : public aws::Logs {
 public:
  explicit Client(Process& process) : process_(process) {}
  Task<aws::AwsResult<aws::LogGroupPage>> describe_log_groups(std::string prefix, std::string token,
                                                              Region region,
                                                              aws::Credentials credentials) override {
    co_await travel();
    auto answer = process_.cloud.describe(credentials.access_key_id, region.text(), prefix, token);
    co_await travel();
    co_return answer;
  }
  Task<aws::AwsResult<aws::FilterLogEventsAnswer>> filter_log_events(aws::FilterLogEventsRequest request,
                                                                     Region region,
                                                                     aws::Credentials credentials) override {
    process_.cloud.count_call(credentials.access_key_id, region.text());
    co_await travel();
    auto answer = process_.cloud.filter(credentials.access_key_id, request);
    process_.trace(request.group_arn + " [" + std::to_string(request.start_ms) + ", " +
                   std::to_string(request.end_ms) + "] " + request.next_token + " -> " +
                   (answer.has_error() ? answer.error().code : answer.value().body));
    co_await travel();
    co_return answer;
  }

 private:
  Task<void> travel() {
    const int most = process_.cloud.faults.latency_ms_max;
    const auto time = std::chrono::milliseconds{most > 0 ? process_.cloud.uniform(1, most) : 0};
    if (time.count() > 0) co_await sleep_for(process_.loop, time, {});
  }
  Process& process_;
};

// The access key says whose account it is.
class Process::Sessions final : public CredentialsSource {
 public:
  explicit Sessions(Process& process) : process_(process) {}
  Task<Result<CollectingCredentials>> get(ConnectionId connection, Region) override {
    for (const Subscription& each : process_.subscriptions_now)
      if (each.connection == connection)
        co_return CollectingCredentials{{.access_key_id = each.account.text(),
                                         .secret_access_key = SecretString{"secret"},
                                         .session_token = SecretString{"token"},
                                         .expires_at = process_.clock.now() + std::chrono::hours{1}},
                                        each.account};
    co_return Error{ErrorKind::connection_not_active, "the connection is not active"};
  }
  void forget(const ConnectionId&) override {}

 private:
  Process& process_;
};

class Process::Connections final : public Subscriptions {
 public:
  explicit Connections(Process& process) : process_(process) {}
  Task<Result<std::vector<Subscription>>> active() override { co_return process_.subscriptions_now; }

 private:
  Process& process_;
};

Process::Process(std::string name_, FakeClock& clock_, ManualLoop& loop_, FakeCloud& cloud_,
                 const std::vector<Subscription>& subscriptions, const std::filesystem::path& directory,
                 const ProcessSettings& set, std::uint64_t seed)
    : name(std::move(name_)),
      incarnation(name + std::to_string(seed)),
      clock(clock_),
      loop(loop_),
      cloud(cloud_),
      subscriptions_now(subscriptions),
      files(cloud_),
      random_(seed),
      disk_(std::make_unique<Disk>(*this)),
      client_(std::make_unique<Client>(*this)),
      sessions_(std::make_unique<Sessions>(*this)),
      connections_(std::make_unique<Connections>(*this)) {
  auto opened = Spool::open({.directory = directory, .bytes_max = 2'000'000, .segment_bytes = 20'000}, files);
  DEPUTY_ASSERT(opened.has_value());
  spool = std::move(opened).value();
  CollectorSettings settings{.holder = incarnation, .lease = std::chrono::seconds{60}};
  settings.plan = set.plan;
  settings.plan.window_events_max = 200;
  if (set.narrow) {
    settings.calls_max = 2;
    settings.quiet_calls_max = 3;
    settings.windows_per_tenant_max = 2;
    settings.identities_max = 1'000;
  }
  collector = std::make_unique<Collector>(Collector::Surroundings{loop, clock, random_, *client_, *sessions_,
                                                                  *connections_, *spool, *disk_, *disk_},
                                          settings);
  collector->start();
}

Process::~Process() {
  frozen_until = {};
  files.kill();  // gives back no lease: it was killed
  loop.run_through_time([](Collector& stopped) -> Task<bool> {
    co_await stopped.stop();
    co_return true;
  }(*collector));
}

void Process::trace(const std::string& what) const {
  if (std::getenv("DEPUTY_LOGS_TRACE") != nullptr)
    std::fprintf(stderr, "%lld %s: %s\n", static_cast<long long>(cloud.now_ms()), name.c_str(), what.c_str());
}

void Process::freeze(std::chrono::milliseconds time) {
  frozen_until = clock.steady_now() + time;
}

}  // namespace deputy::logs
