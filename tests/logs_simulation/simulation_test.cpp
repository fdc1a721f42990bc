#include "process.hpp"
#include "support/temporary_folder.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>

// The collector against everything that AWS, disks, processes and clocks may do to it, in virtual time, with
// a reference of every event ever written. A seed says all that happens: one that fails is printed, and
//   DEPUTY_LOGS_SIMULATION=SEED:HOURS:RUNS deputy_logs_simulation
// runs it again (RUNS seeds from SEED on, HOURS of trouble each).
namespace deputy::logs {
namespace {

using std::chrono::milliseconds;

struct Tenant {
  Subscription subscription;
  std::vector<std::string> names;
  bool suspended = false, narrowed = false;
};

constexpr int latency_ms_most = 4'000, disk_ms_most = 20;
constexpr milliseconds undisturbed = std::chrono::minutes{90};  // after all trouble, before all is quiet
// Of what is active, where nothing has gone wrong for a while.
constexpr milliseconds lag_most = std::chrono::minutes{10};

class Simulation {
 public:
  // `brief`: the last rescan is three hours after, so that it does not take two days until all is quiet.
  Simulation(std::uint64_t seed, int hours, bool brief) : seed_(seed), hours_(hours), cloud_(clock_, seed) {
    if (brief) set_.plan.rescan_offsets.pop_back();
    set_.narrow = seed % 2 == 0;
    crowd_ = seed % 4 == 0 ? 250 : 0;
    if (set_.narrow) {
      set_.plan.quiet_events_max = 20;
      cloud_.faults.disk_ms_max = disk_ms_most;
    }
    if (crowd_ > 0) cloud_.describe_page_max = 50;
  }

  // Empty when every promise was kept.
  std::string run();
  const FakeCloud& cloud() const { return cloud_; }
  std::uint64_t delivered() const { return delivered_.size(); }
  std::string tally() const;

 private:
  void make_tenants();
  void start(std::size_t which);
  void act();
  void write();
  void write_one(WrittenGroup& group);
  void disturb();
  void calm();
  void suspend_or_resume(Tenant& tenant);
  void narrow_or_widen(Tenant& tenant);
  void tell_subscriptions();
  void recreate(Tenant& tenant);
  void deliver();
  void take(const RecordPage& page);
  void check_marks();
  void check_lag();
  void add_crowd();
  void remove_crowd();
  void go_on_undisturbed();
  std::string verdict();
  std::chrono::milliseconds quiet() const {
    return set_.plan.rescan_offsets.back() * 3 / 2 + std::chrono::hours{4};
  }
  void find(std::string what) {
    if (broken_.size() < 20) broken_.push_back(std::move(what));
  }
  bool chance(double p) { return cloud_.chance(p); }
  std::int64_t uniform(std::int64_t least, std::int64_t most) { return cloud_.uniform(least, most); }

  const std::uint64_t seed_;
  const int hours_;
  ProcessSettings set_;
  int crowd_ = 0;  // quiet groups of the first account, more than its quota lets be polled each minute
  FakeClock clock_;
  ManualLoop loop_{clock_};
  FakeCloud cloud_;
  TemporaryFolder folder_{"/dev/shm"};
  std::vector<Subscription> subscriptions_;
  std::vector<Tenant> tenants_;
  std::array<std::unique_ptr<Process>, 2> processes_;
  std::uint64_t starts_ = 0, kills_ = 0, freezes_ = 0, recreations_ = 0, suspensions_ = 0, narrowings_ = 0;

  struct Delivery {
    int times = 0;
    std::string tenant, message;
  };
  std::map<std::string, Delivery> delivered_;  // by connection, group and event ID
  std::map<std::string, std::pair<const WrittenGroup*, WrittenEvent>> expected_;
  std::map<std::int64_t, EventTime> marks_;
  bool sink_is_down_ = false;
  milliseconds lag_max_{0};  // undisturbed
  std::vector<std::string> broken_;
};

std::string key_of(const std::string& account, const std::string& group, const std::string& id) {
  return account + " " + group + " " + id;
}

void Simulation::make_tenants() {
  const char* const regions[] = {"eu-central-1", "us-east-1"};
  for (int i = 0; i < 3; ++i) {
    const std::string letters(24, static_cast<char>('a' + i));
    const std::string account(12, static_cast<char>('1' + i));
    Tenant tenant{.subscription = {TenantId::parse("ten_" + letters).value(),
                                   ConnectionId::parse("con_" + letters).value(),
                                   AccountId::parse(account).value(),
                                   {Region::parse(regions[i % 2]).value()},
                                   {"/app/*"},
                                   clock_.now()}};
    for (int group = 0; group < 3; ++group) {
      tenant.names.push_back("/app/" + std::to_string(group));
      cloud_.create(account, regions[i % 2], tenant.names.back());
    }
    cloud_.create(account, regions[i % 2], "/other");
    subscriptions_.push_back(tenant.subscription);
    tenants_.push_back(std::move(tenant));
  }
}

void Simulation::start(std::size_t which) {
  ++starts_;
  processes_[which] = std::make_unique<Process>(which == 0 ? "a" : "b", clock_, loop_, cloud_, subscriptions_,
                                                folder_.path(), set_, seed_ * 100'000 + starts_);
}

// ── What the customers do ──

void Simulation::write_one(WrittenGroup& group) {
  constexpr std::int64_t hour = 3'600'000;
  const std::int64_t bound = std::chrono::milliseconds{set_.plan.rescan_offsets.back()}.count();
  const std::int64_t now = cloud_.now_ms();
  std::int64_t timestamp = now - uniform(0, 2'000);
  std::int64_t visible = now + uniform(0, 8'000);
  if (chance(0.10)) {  // an agent that was cut off, for almost as long as the last rescan waits
    timestamp = now - static_cast<std::int64_t>(static_cast<double>(bound - hour) *
                                                std::pow(static_cast<double>(uniform(0, 1000)) / 1000, 4));
    ++cloud_.late_events;
  } else if (chance(0.03)) {
    timestamp = now + uniform(1, 2 * hour);
    ++cloud_.future_events;
  }
  if (chance(0.01)) visible = now + uniform(0, hour);  // AWS itself takes its time
  visible = std::min(visible, timestamp + bound);
  const bool twins = chance(0.05);
  const std::string message =
      "message " + std::to_string(uniform(0, 9)) + (chance(0.01) ? std::string("\0\x1b[31m\"\\", 8) : "");
  for (int i = 0; i < (twins ? 2 : 1); ++i) {
    cloud_.write(group, timestamp, visible, message);
    for (auto each = group.events.lower_bound(timestamp); each != group.events.upper_bound(timestamp); ++each)
      expected_[key_of(group.account, group.name, each->second.id)] = {nullptr, each->second};
  }
}

void Simulation::write() {
  for (Tenant& tenant : tenants_) {
    for (std::size_t i = 0; i < tenant.names.size(); ++i) {
      WrittenGroup* const group =
          cloud_.find("arn:aws:logs:" + tenant.subscription.regions[0].text() + ":" +
                      tenant.subscription.account.text() + ":log-group:" + tenant.names[i]);
      if (group == nullptr) continue;
      // The first tenant is noisy; each has a quiet group.
      const double rate = i == 0 ? 0.02 : (&tenant == &tenants_[0] ? 0.5 : 0.15);
      if (chance(rate)) write_one(*group);
      if (chance(0.001))
        for (int burst = 0; burst < 150; ++burst) write_one(*group);
    }
  }
}

void Simulation::recreate(Tenant& tenant) {
  const std::string& name = tenant.names[static_cast<std::size_t>(uniform(0, 2))];
  const std::string account = tenant.subscription.account.text(),
                    region = tenant.subscription.regions[0].text();
  WrittenGroup* const group = cloud_.find("arn:aws:logs:" + region + ":" + account + ":log-group:" + name);
  if (group == nullptr) {
    cloud_.create(account, region, name);
    return;
  }
  ++recreations_;
  // What was not collected by now is gone with it: AWS's doing, no loss of ours.
  for (const auto& [time, event] : group->events) expected_.erase(key_of(account, name, event.id));
  cloud_.remove(account, region, name);
  if (chance(0.5)) cloud_.create(account, region, name);
}

void Simulation::tell_subscriptions() {
  subscriptions_.clear();
  for (const Tenant& each : tenants_)
    if (!each.suspended) subscriptions_.push_back(each.subscription);
}

// Its integration names fewer groups, or all again: what it does not name is not read, and nothing of it is
// lost when it is named again.
void Simulation::narrow_or_widen(Tenant& tenant) {
  tenant.narrowed = !tenant.narrowed;
  tenant.subscription.groups =
      tenant.narrowed ? std::vector<std::string>{"/app/0", "/app/1*"} : std::vector<std::string>{"/app/*"};
  narrowings_ += tenant.narrowed ? 1 : 0;
  const std::string arn = "arn:aws:logs:" + tenant.subscription.regions[0].text() + ":" +
                          tenant.subscription.account.text() + ":log-group:/app/2";
  if (tenant.narrowed) {
    // A process that stands still learns of it when it goes on; what it had asked before is on its way.
    auto from = clock_.steady_now() + milliseconds{latency_ms_most};
    for (const auto& process : processes_)
      if (process) from = std::max(from, process->frozen_until + milliseconds{2 * latency_ms_most});
    cloud_.unnamed[arn] = from;
  } else {
    cloud_.unnamed.erase(arn);
  }
  tell_subscriptions();
  for (const auto& process : processes_)
    if (process) process->wake();
}

void Simulation::suspend_or_resume(Tenant& tenant) {
  tenant.suspended = !tenant.suspended;
  tell_subscriptions();
  if (tenant.suspended) {
    ++suspensions_;
    // What is on its way may still arrive, also what set out when the network was slower than it is now.
    cloud_.forbidden[tenant.subscription.account.text()] =
        clock_.steady_now() + milliseconds{latency_ms_most};
    for (const auto& process : processes_)
      if (process) process->drop(tenant.subscription.connection);
  } else {
    cloud_.forbidden.erase(tenant.subscription.account.text());
    for (const auto& process : processes_)
      if (process) process->wake();
  }
}

// ── What goes wrong ──

void Simulation::disturb() {
  if (chance(0.02)) {
    const bool bad = chance(0.5);
    cloud_.faults = {.throttle = bad ? 0.2 : 0.01,
                     .unavailable = bad ? 0.1 : 0.01,
                     .expired = 0.005,
                     .denied = bad ? 0.01 : 0.0,
                     .refuse_token = 0.02,
                     .no_answer = bad ? 0.05 : 0.0,
                     .partial_page = 0.2,
                     .empty_page = 0.1,
                     .latency_ms_max = bad ? latency_ms_most : 200,
                     .disk_ms_max = set_.narrow ? disk_ms_most : 0};
  }
  if (chance(0.002)) clock_.jump(std::chrono::seconds{uniform(-30, 30)});
  if (chance(0.01)) sink_is_down_ = !sink_is_down_;
  if (chance(0.003)) suspend_or_resume(tenants_[static_cast<std::size_t>(uniform(0, 2))]);
  if (chance(0.003)) recreate(tenants_[static_cast<std::size_t>(uniform(0, 2))]);
  if (chance(0.01)) narrow_or_widen(tenants_[static_cast<std::size_t>(uniform(0, 2))]);
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    auto& process = processes_[i];
    if (!process) {
      if (chance(0.1)) start(i);
      continue;
    }
    if (process->dead()) {
      ++kills_;
      process.reset();
      continue;
    }
    process->files.full = chance(0.02) ? 0.5 : 0;
    if (chance(0.02)) process->files.die_at(static_cast<std::uint64_t>(uniform(1, 30)));
    process->die_after_write = chance(0.01) ? 0.1 : 0;
    if (chance(0.01)) {
      ++freezes_;
      process->freeze(milliseconds{uniform(1'000, 200'000)});
    }
  }
}

void Simulation::calm() {
  cloud_.faults = {.latency_ms_max = set_.narrow ? 200 : 0, .disk_ms_max = set_.narrow ? disk_ms_most : 0};
  sink_is_down_ = false;
  for (Tenant& tenant : tenants_) {
    if (tenant.suspended) suspend_or_resume(tenant);
    if (tenant.narrowed) narrow_or_widen(tenant);
    for (const std::string& name : tenant.names) {
      const std::string account = tenant.subscription.account.text(),
                        region = tenant.subscription.regions[0].text();
      if (cloud_.find("arn:aws:logs:" + region + ":" + account + ":log-group:" + name) == nullptr)
        cloud_.create(account, region, name);
    }
  }
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    processes_[i].reset();
    start(i);
  }
}

// ── What comes out ──

void Simulation::take(const RecordPage& page) {
  for (const Record& record : page.records) {
    Delivery& delivery =
        delivered_[key_of(page.origin.account.text(), page.origin.group, std::string{record.event_id})];
    if (++delivery.times > 1)
      find("twice: " + page.origin.account.text() + page.origin.group + " " + std::string{record.event_id} +
           " at " + std::to_string((record.timestamp.time_since_epoch()).count()) + ", now " +
           std::to_string(cloud_.now_ms()));
    delivery.tenant = page.origin.tenant.text();
    delivery.message = record.message;
  }
}

// A sink that takes a batch and its cursor in one.
void Simulation::deliver() {
  if (sink_is_down_) return;
  for (const auto& process : processes_) {
    if (!process || process->dead() || clock_.steady_now() < process->frozen_until) continue;
    auto cursor = process->spool->attach("reference");
    while (cursor) {
      auto batch = process->spool->read(cursor.value().sequence, 100'000);
      if (!batch || !batch.value()) {
        if (!batch && !process->dead()) find("the spool cannot be read: " + batch.error().detail);
        break;
      }
      cursor.value().sequence = batch.value()->last();
      const auto advanced = process->spool->advance(cursor.value());
      // Freeing segments may fail on a dying disk; the cursor stands then.
      if (!advanced && !process->dead()) break;
      const auto now = process->dead() ? Result<SinkCursor>{Error{ErrorKind::internal, ""}}
                                       : process->spool->attach("reference");
      if (now && now.value().sequence != cursor.value().sequence) break;
      if (now) cursor = now;
      for (const SpooledPage& page : batch.value()->pages) {
        std::string ids;
        for (const Record& record : page.page.records) ids += " " + std::string{record.event_id.substr(46)};
        process->trace("page " + std::to_string(page.sequence) + " " + page.page.origin.account.text() +
                       page.page.origin.group + ids);
        take(page.page);
      }
      if (!now) return;
    }
    return;
  }
}

// The high-water mark only rises, and never passes AWS's time.
void Simulation::check_marks() {
  for (const auto& process : processes_) {
    if (!process || process->dead()) continue;
    [[maybe_unused]] const auto read = process->spool->for_each_source([&](const Source& source) {
      EventTime& mark = marks_[static_cast<std::int64_t>(source.id)];
      if (source.progress.high_water < mark) find("a high-water mark went back: " + source.group_arn);
      mark = source.progress.high_water;
      for (std::size_t i = 0; i < source.progress.rescanned.size(); ++i)
        if (source.progress.rescanned[i] > source.progress.high_water)
          find("a rescan mark is beyond the high-water mark");
    });
    return;
  }
}

// No line keeps another waiting, no tenant another, and no account's quiet groups its busy ones.
void Simulation::check_lag() {
  for (const auto& process : processes_) {
    [[maybe_unused]] const auto read = process->spool->for_each_source([&](const Source& source) {
      const milliseconds behind{cloud_.now_ms() - source.progress.high_water.time_since_epoch().count()};
      if (source.progress.status != SourceStatus::active) return;
      lag_max_ = std::max(lag_max_, behind);
      if (behind > lag_most)
        find(std::to_string(behind.count() / 1000) + " seconds behind: " + source.group_arn);
    });
    return;
  }
}

void Simulation::add_crowd() {
  const Subscription& first = tenants_[0].subscription;
  for (int i = 0; i < crowd_; ++i)
    cloud_.create(first.account.text(), first.regions[0].text(), "/app/crowd-" + std::to_string(i));
}

void Simulation::remove_crowd() {
  const Subscription& first = tenants_[0].subscription;
  for (int i = 0; i < crowd_; ++i)
    cloud_.remove(first.account.text(), first.regions[0].text(), "/app/crowd-" + std::to_string(i));
}

// The customers write, and nothing goes wrong: nobody is far behind once what was missed is made up for.
void Simulation::go_on_undisturbed() {
  const auto began = clock_.steady_now();
  const auto made_up = began + std::chrono::minutes{45}, ends = began + undisturbed;
  while (clock_.steady_now() < ends && broken_.empty()) {
    write();
    loop_.advance(milliseconds{uniform(1'000, 15'000)});
    deliver();
    if (clock_.steady_now() > made_up) check_lag();
  }
  remove_crowd();
}

void Simulation::act() {
  disturb();
  write();
  loop_.advance(milliseconds{uniform(1'000, 15'000)});
  deliver();
}

std::string Simulation::verdict() {
  // What broke in the middle ended it there: what would be missing says nothing.
  if (!broken_.empty()) expected_.clear();
  for (const auto& [key, expected] : expected_) {
    const auto found = delivered_.find(key);
    if (found == delivered_.end()) {
      find("lost: " + key + ", time " + std::to_string(expected.second.timestamp_ms) + ", visible " +
           std::to_string(expected.second.visible_ms - expected.second.timestamp_ms) + " ms later");
      continue;
    }
    if (found->second.message != expected.second.message) find("another text: " + key);
  }
  for (const auto& [key, delivery] : delivered_) {
    if (key.find("/other") != std::string::npos) find("nobody asked for " + key);
    // The tenant's letter goes with the account's digit.
    if (delivery.tenant[4] - 'a' != key[0] - '1')
      find("a record of another tenant: " + key + " " + delivery.tenant);
  }
  for (const std::string& each : cloud_.broken) find(each);
  std::string all;
  for (const std::string& each : broken_) all += each + "\n";
  return all;
}

std::string Simulation::run() {
  make_tenants();
  add_crowd();
  for (std::size_t i = 0; i < processes_.size(); ++i) start(i);
  const auto trouble_ends = clock_.steady_now() + std::chrono::hours{hours_};
  for (int i = 0; clock_.steady_now() < trouble_ends && broken_.empty(); ++i) {
    act();
    if (i % 100 == 0) check_marks();
  }
  calm();
  go_on_undisturbed();
  // The last rescan waits until half its offset's worth has come together; events may be two hours ahead.
  const auto quiet_ends = clock_.steady_now() + quiet();
  while (clock_.steady_now() < quiet_ends && broken_.empty()) {
    loop_.advance(std::chrono::minutes{10});
    deliver();
  }
  check_marks();
  std::string found = verdict();
  for (auto& process : processes_) process.reset();
  return found;
}

std::string Simulation::tally() const {
  return std::to_string(hours_ + std::chrono::floor<std::chrono::hours>(quiet() + undisturbed).count()) +
         " hours, " + std::to_string(cloud_.events_written) + " events (" +
         std::to_string(cloud_.late_events) + " late, " + std::to_string(cloud_.future_events) +
         " in the future), " + std::to_string(cloud_.calls) + " calls, " +
         std::to_string(cloud_.faults_done) + " faults, " + std::to_string(starts_) + " starts, " +
         std::to_string(kills_) + " kills, " + std::to_string(freezes_) + " freezes, " +
         std::to_string(recreations_) + " deletions, " + std::to_string(suspensions_) + " suspensions, " +
         std::to_string(narrowings_) + " narrowings, " + std::to_string(delivered_.size()) + " delivered, " +
         std::to_string(lag_max_.count() / 1000) + " s behind at most when undisturbed";
}

TEST(LogsSimulation, NothingIsLostNothingComesTwice) {
  std::uint64_t seed = 1;
  int hours = 2, runs = 2;
  bool brief = true;
  if (const char* wanted = std::getenv("DEPUTY_LOGS_SIMULATION")) {
    std::istringstream parts{wanted};
    char colon = 0;
    ASSERT_TRUE(parts >> seed >> colon >> hours >> colon >> runs) << "SEED:HOURS:RUNS";
    brief = false;
  }
  for (int i = 0; i < runs; ++i) {
    Simulation simulation{seed + static_cast<std::uint64_t>(i), hours, brief};
    const std::string found = simulation.run();
    std::printf("seed %lu: %s\n", seed + static_cast<std::uint64_t>(i), simulation.tally().c_str());
    ASSERT_EQ(found, "") << "run again with DEPUTY_LOGS_SIMULATION=" << seed + static_cast<std::uint64_t>(i)
                         << ":" << hours << ":1";
    // A simulation in which nothing happens holds nothing down.
    EXPECT_GT(simulation.delivered(), 50u * static_cast<std::uint64_t>(hours));
    EXPECT_GT(simulation.cloud().faults_done, 2u * static_cast<std::uint64_t>(hours));
  }
}

}  // namespace
}  // namespace deputy::logs
