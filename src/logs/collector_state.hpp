#pragma once

#include "logs/collector.hpp"
#include "logs/fair_queue.hpp"
#include "logs/pace.hpp"
#include "logs/page_reader.hpp"

#include <list>
#include <map>
#include <set>
#include <unordered_map>

#include "core/task_group.hpp"

// What the parts of the collector share: private to collector*.cpp.
namespace deputy::logs {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Line;

// An account in a Region: what a lease and a quota are for, and what has one clock.
struct CollectedRegion {
  CollectedRegion(AccountId account_, Region region_)
      : account(std::move(account_)),
        region(std::move(region_)),
        filter(filter_log_events_quota(region) * quota_share),
        sending(filter_log_events_quota(region) * quota_share),
        describe(describe_log_groups_quota * quota_share) {}

  // Whether this process may collect now. A lease counts for half its time after it was last prolonged: while
  // another process may have it already, by a clock that is ahead, nothing is asked for.
  bool is_ours(SteadyTime now) const { return lease && now < lease_until; }
  // Takes a lease. No call in its first second: those that whoever had it before made until a moment ago
  // count against the same quota.
  void take(Lease taken, SteadyTime now, SteadyTime until);

  // From when on a step of this line may begin. Lines that both have something to be read here take turns:
  // the one that did not have the last turn may have the next before its time (`sending` keeps the calls
  // apart), so that the other cannot be quicker each time.
  SteadyTime next_step(const Line& line, SteadyTime now) const;
  void take_step(const Line& line, SteadyTime now);

  // AWS's time, as its last answer said it and the steady clock went on; never ahead of it.
  std::optional<EventTime> aws_now(SteadyTime now) const;
  void note_date(EventTime date, SteadyTime now);

  const AccountId account;
  const Region region;
  Pace filter;   // of steps
  Pace sending;  // of calls themselves: steps that waited, for a disk say, must not call all at once
  Pace describe;
  const Line* had_last_step = nullptr;
  std::optional<Lease> lease;
  SteadyTime lease_until{};
  bool taken_anew = false;  // the lease, a moment ago
  std::optional<std::pair<EventTime, SteadyTime>> date;
};

// A connection in a Region: what has credentials and is discovered together.
struct Scope {
  Subscription subscription;
  CollectedRegion* place = nullptr;
  std::optional<CollectingCredentials> credentials;
  bool dropped = false;
  bool discovering = false;
  bool again = false;  // its patterns changed while it was discovered
  SteadyTime discover_at{};
  std::optional<Timestamp> last_success;
  std::optional<SourceError> last_error;
  std::size_t sources = 0;       // that are counted
  std::set<std::string> denied;  // names of groups that AWS denies reading
  SteadyTime forget_at{};
};

struct Feed;

// Those whose turn comes, and how many of them are read: sources with little to be read do not stand behind
// those with much.
struct Line {
  std::size_t calls_max;
  std::uint64_t window_events;  // that a window may have, as far as anybody knows before it was opened
  FairQueue<Feed> waiting = {};
  std::size_t running = 0;
  std::set<std::string> lent = {};  // tenants that were refused what they may have where no other waits
};

// A source at work.
struct Feed {
  Source source;
  SourceMood mood;
  std::shared_ptr<Scope> scope;
  Line* share = nullptr;        // of whose windows it has one, from the start of the step that opens it
  std::uint64_t reserved = 0;   // identities, until they are loaded
  std::optional<SeenSet> seen;  // while a window is open here
  bool running = false;
  bool dropped = false;  // nothing that is under way for it is kept
  bool stale = true;     // to be read from the spool before anything else: another process may have gone on
  std::optional<SteadyTime> waits_until;
  std::optional<EventTime> queued_since;
  Line* line = nullptr;  // where it is queued or was taken from
  struct Standing {
    SourceStatus status;
    EventTime mark;
    std::uint64_t events, message_bytes;
    friend bool operator==(const Standing&, const Standing&) = default;
  };
  std::optional<Standing> standing;  // as it is counted
};

struct Collector::State {
  State(Surroundings around_, CollectorSettings settings_)
      : around(around_),
        settings(std::move(settings_)),
        committer(around.loop, around.spool, around.writing) {}

  // collector.cpp: whose turn it is
  void pump();
  void arm(SteadyTime at);
  void wait(Feed& feed, SteadyTime until);
  void start_those_in(Line& line, SteadyTime now);
  void take_out(Feed& feed);
  void requeue(Feed& feed);
  Line& line_of(const Feed& feed, SteadyTime now);
  void put_in(Line& line, Feed& feed);
  void start_or_put_back(Line& line, Feed& feed, SteadyTime now);
  // Shares of the windows and of the memory that they take.
  bool may_start(Line& line, const Feed& feed);
  bool has_room() const;
  void take_share(Line& line, Feed& feed);
  void give_back_reserved(Feed& feed);
  void forget_seen(Feed& feed);
  void note_identities(const Feed& feed, std::size_t more);
  // How many sources stand how is counted as they change, not when somebody asks.
  void note_standing(Feed& feed);
  void forget_standing(Feed& feed);
  std::chrono::milliseconds lag_of_last(const std::set<std::pair<EventTime, const Feed*>>& marks) const;
  // collector_step.cpp: one page of one source
  Task<void> step(std::shared_ptr<Feed> feed);
  Task<void> read_page(std::shared_ptr<Feed> feed);
  Task<bool> reload(std::shared_ptr<Feed> feed);
  Task<bool> open_window(std::shared_ptr<Feed> feed, EventTime now);
  Task<void> take_answer(std::shared_ptr<Feed> feed, aws::FilterLogEventsAnswer answer);
  Task<void> commit_page(std::shared_ptr<Feed> feed, Lease lease, ReadPage page);
  void count_page(const ReadPage& page, const SourceProgress& before, const SourceProgress& after);
  Task<void> fail(std::shared_ptr<Feed> feed, aws::AwsError error, EventTime now);
  Task<Result<void>> commit(std::shared_ptr<Feed> feed, SourceCommit commit);
  void trouble(Feed& feed, const Error& error);
  void forget_window(Feed& feed);
  void lose(CollectedRegion& place);
  bool still_ours(const Feed& feed, const Lease& lease) const;
  Task<void> await_turn(CollectedRegion& place);
  Task<Result<aws::Credentials>> credentials(std::shared_ptr<Scope> scope);
  // collector_discovery.cpp
  Task<void> keep_leases();
  Task<void> lease_regions();
  Task<void> lease_once();
  void begin_anew();
  Task<void> keep_discovering();
  SteadyTime begin_discoveries(SteadyTime now);  // and when the next is due
  Task<bool> refresh_subscriptions();
  Task<void> discover(std::shared_ptr<Scope> scope);
  Task<void> discover_groups(std::shared_ptr<Scope> scope);
  enum class Discovered { all, not_all, ended };
  Task<Discovered> discover_prefix(std::shared_ptr<Scope> scope, std::string prefix,
                                   aws::Credentials credentials);
  bool may_discover(const Scope& scope) const;
  bool refuse_discovery(Scope& scope, const aws::AwsError& error);
  Task<void> forget_vanished(std::shared_ptr<Scope> scope);
  Task<void> forget_connections();
  Task<Result<void>> take_group(std::shared_ptr<Scope> scope, aws::LogGroupDetails found);
  Task<void> meet_again(std::shared_ptr<Feed> feed, aws::LogGroupDetails found);
  SourceProgress beginning_of(const aws::LogGroupDetails& found, const Subscription& subscription,
                              EventTime now) const;
  Task<Result<void>> take_up(std::shared_ptr<Scope> scope, aws::LogGroupDetails found);
  void drop_scope(const std::shared_ptr<Scope>& scope);
  void drop_feeds(const std::function<bool(const Feed&)>& which);
  void change_patterns(const std::shared_ptr<Scope>& scope, std::vector<std::string> groups);
  std::shared_ptr<Feed> find_feed(const ConnectionId& connection, const std::string& arn) const;
  // collector_audit.cpp
  Task<Result<AuditReport>> audit_alone(std::shared_ptr<Feed> feed, EventTime from, EventTime to);
  Task<Result<AuditReport>> audit(std::shared_ptr<Feed> feed, EventTime from, EventTime to);
  Task<Result<SeenSet>> collected_in(std::shared_ptr<Feed> feed, EventTime from, EventTime to);
  Task<Result<aws::FilterLogEventsAnswer>> ask_again(std::shared_ptr<Feed> feed, Lease lease,
                                                     aws::FilterLogEventsRequest request);
  CollectedRegion& region_of(const AccountId& account, const Region& region);
  EventTime local_now() const;

  bool stopping() const { return group.stop_token().stop_requested(); }

  Surroundings around;
  const CollectorSettings settings;
  Committer committer;
  TaskGroup group;

  std::map<std::string, std::unique_ptr<CollectedRegion>> regions;               // by lease name
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Scope>> scopes;  // by connection, Region
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Feed>> feeds;    // by connection, ARN

  std::set<std::pair<SteadyTime, Feed*>> waiting;
  Line large{settings.calls_max, settings.plan.window_events_max};
  Line small{settings.quiet_calls_max, settings.plan.quiet_events_max * 2};
  std::map<SourceStatus, std::uint64_t> by_status;
  std::set<std::pair<EventTime, const Feed*>> by_mark;  // of active ones
  struct Standings {
    std::uint64_t sources = 0, events = 0, message_bytes = 0;
    std::set<std::pair<EventTime, const Feed*>> by_mark;
  };
  std::map<std::string, Standings> by_tenant;
  std::size_t leases = 0;  // that are held
  // What open windows hold in memory: of all, and by tenant. A tenant that has none is not there.
  struct Held {
    std::size_t large = 0, small = 0;  // windows
    std::uint64_t identities = 0;
  };
  std::uint64_t identities = 0, reserved = 0;
  bool out_of_room = false;  // somebody waits for a window until all of them hold less
  std::unordered_map<std::string, Held> held;
  EventLoop::TimerId timer = 0;
  SteadyTime timer_at{};
  SteadyTime forget_at{};
  std::stop_source nap;
  bool woken = false, auditing = false, leasing = false, lease_again = false;
  CollectorCounts counted;
};

}  // namespace deputy::logs
