#include "logs_commands.hpp"

#include "scan/safe_text.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <iostream>
#include <optional>
#include <set>
#include <thread>
#include <unistd.h>
#include <utility>

#include "aws/transport.hpp"
#include "core/clock.hpp"
#include "json/text.hpp"

// Searching and following collected logs: a client of the API. Messages are other people's text: nothing of
// them reaches a terminal but what can be seen.
namespace deputy::cli {
namespace {

constexpr std::size_t page_max = 200;
constexpr std::chrono::milliseconds poll_interval{1'000};
constexpr std::chrono::milliseconds poll_interval_max{30'000};

volatile std::sig_atomic_t interrupted = 0;
void interrupt(int) {
  interrupted = 1;
}

struct LogOptions {
  std::string tenant, query, from, to, since;
  std::size_t count = 50;
  Output output = Output::text;
  bool is_terminal = false;
  bool use_colour = false;
};

std::string text_of(const boost::json::object& record, std::string_view name) {
  const auto* value = record.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string{} : std::string{text->data(), text->size()};
}

// The same group always has the same colour; red is left to those who mean an error.
std::string colour_of(std::string_view group) {
  constexpr int colours[] = {32, 33, 34, 35, 36, 92, 93, 94, 95, 96};
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a
  for (const char c : group) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return fmt::format("\x1b[{}m", colours[hash % std::size(colours)]);
}

// Line breaks stay, and what follows one is indented: it cannot pass for a record of its own.
std::string shown_message(std::string_view message) {
  while (message.ends_with('\n') || message.ends_with('\r')) message.remove_suffix(1);
  std::string shown;
  for (;;) {
    const std::size_t end = std::min(message.find('\n'), message.size());
    std::string line{message.substr(0, end)};
    std::ranges::replace(line, '\t', ' ');
    shown += scan::for_terminal(line);
    if (end == message.size()) return shown;
    shown += "\n    ";
    message.remove_prefix(end + 1);
  }
}

void print(const boost::json::object& record, const LogOptions& options) {
  if (options.output == Output::json) {
    const std::string line = boost::json::serialize(record);
    std::cout << (options.is_terminal ? json::escaped(line) : line) << "\n";
    return;
  }
  const std::string group = scan::for_terminal(text_of(record, "group"));
  std::cout << scan::for_terminal(text_of(record, "timestamp")) << "  "
            << (options.use_colour ? colour_of(group) + group + "\x1b[0m" : group) << "  "
            << shown_message(text_of(record, "message")) << "\n";
}

std::string path_of(std::string_view what, const LogOptions& options, std::string_view cursor,
                    std::size_t limit) {
  std::string path = fmt::format("/v1/logs/{}?tenant_id={}&limit={}", what, url_part(options.tenant), limit);
  if (!options.query.empty()) path += "&q=" + url_part(options.query);
  if (what == "search" && !options.from.empty()) path += "&from=" + url_part(options.from);
  if (what == "search" && !options.to.empty()) path += "&to=" + url_part(options.to);
  if (!cursor.empty()) path += fmt::format("&cursor={}", url_part(std::string{cursor}));
  return path;
}

void tell_not_searched(const app::ApiAnswer& page, std::set<std::string>& told) {
  const auto* list = page.body.as_object().if_contains("not_searched");
  if (list == nullptr || !list->is_array()) return;
  for (const auto& one : list->get_array()) {
    if (!one.is_object()) continue;
    const std::string day = text_of(one.get_object(), "day");
    if (!told.insert(day).second) continue;
    std::cerr << fmt::format("deputy: {} is not searched: {}\n", scan::for_terminal(day),
                             scan::for_terminal(text_of(one.get_object(), "reason")));
  }
}

const boost::json::array* items_of(const app::ApiAnswer& page) {
  const auto* object = page.body.if_object();
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  return items == nullptr ? nullptr : items->if_array();
}

// The newest records, at most `count`; through `each` in the order of the pages, newest first.
template <class Each>
int search(const ServerAccess& access, const LogOptions& options, const Each& each) {
  std::string cursor;
  std::set<std::string> told;
  for (std::size_t left = options.count; left > 0 && interrupted == 0;) {
    const auto page = call_api(access, "GET", path_of("search", options, cursor, std::min(left, page_max)));
    if (!page) return tell(page.error());
    const auto* items = items_of(page.value());
    if (!page.value().ok() || items == nullptr) return tell_problem(page.value());
    tell_not_searched(page.value(), told);
    for (const auto& item : *items)
      if (item.is_object()) each(item.get_object());
    left -= std::min(left, items->size());
    cursor = page.value().member("next_cursor");
    if (cursor.empty()) break;
  }
  return done;
}

Result<void> resolve(LogOptions& options) {
  if (!options.since.empty()) {
    DEPUTY_TRY(const auto span, parse_duration(options.since));
    options.from = to_rfc3339_millis(SystemClock{}.now() - span);
  }
  options.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  options.use_colour = options.is_terminal && std::getenv("NO_COLOR") == nullptr;
  return success();
}

int run_search(LogOptions options) {
  const auto access = server_access();
  if (!access) return tell(access.error());
  if (const auto resolved = resolve(options); !resolved) return tell(resolved.error());
  return search(access.value(), options, [&](const boost::json::object& record) { print(record, options); });
}

// Why a page did not come. What may pass is waited for, and told once until a page comes again; nothing where
// it is so, else the exit status.
std::optional<int> give_up(const Result<app::ApiAnswer>& page, bool& told) {
  const bool is_too_large = !page && aws::transport_error_code(page.error()) == "ResponseTooLarge";
  if (is_too_large) return tell(page.error());  // as it would be next time
  if (page && page.value().status < 500 && page.value().status != 429) return tell_problem(page.value());
  if (!std::exchange(told, true))
    std::cerr << (page ? cli::text_of(page.value()) : cli::text_of(page.error()))
              << "        asked again until it answers\n";
  return std::nullopt;
}

// What arrives after the cursor, but for what is known; until it is interrupted.
int follow(const ServerAccess& access, const LogOptions& options, std::string cursor,
           const std::set<std::string>& known) {
  auto pause = poll_interval;
  bool told = false;
  while (interrupted == 0 && std::cout) {
    const auto page = call_api(access, "GET", path_of("tail", options, cursor, page_max));
    const auto* items = page && page.value().ok() ? items_of(page.value()) : nullptr;
    if (items == nullptr) {
      if (const auto status = give_up(page, told)) return *status;
      pause = std::min(pause * 2, poll_interval_max);
    } else {
      pause = poll_interval;
      told = false;
      cursor = page.value().member("next_cursor");
      for (const auto& item : *items)
        if (item.is_object() && !known.contains(boost::json::serialize(item)))
          print(item.get_object(), options);
      std::cout.flush();
      if (items->size() == page_max) continue;
    }
    std::this_thread::sleep_for(pause);  // a signal ends it
  }
  return done;
}

int run_tail(LogOptions options) {
  const auto access = server_access();
  if (!access) return tell(access.error());
  if (const auto resolved = resolve(options); !resolved) return tell(resolved.error());
  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  const auto begin = call_api(access.value(), "GET", path_of("tail", options, "", 1));
  if (!begin) return tell(begin.error());
  if (!begin.value().ok()) return tell_problem(begin.value());
  std::string cursor = begin.value().member("next_cursor");

  // What is there already, the oldest first. It may have come after the cursor was drawn: not shown twice.
  std::vector<boost::json::object> shown;
  const int status =
      search(access.value(), options, [&](const boost::json::object& record) { shown.push_back(record); });
  if (status != done) return status;
  std::set<std::string> known;
  for (auto record = shown.rbegin(); record != shown.rend(); ++record) {
    print(*record, options);
    known.insert(boost::json::serialize(*record));
  }
  std::cout.flush();
  return follow(access.value(), options, std::move(cursor), known);
}

void add_shared_options(CLI::App& command, LogOptions& options) {
  command.add_option("--tenant", options.tenant, "Whose logs: a tenant's identifier")->required();
  command.add_option(
      "query", options.query,
      "Words, \"phrases\", beginnings*, field:value, OR, NOT, parentheses; all records without one");
  command.add_option("--output", options.output, "text or json (one object a line)")
      ->transform(CLI::CheckedTransformer(
                      std::map<std::string, Output>{{"text", Output::text}, {"json", Output::json}})
                      .description(""));
}

}  // namespace

void add_logs_commands(CLI::App& program, Context& context) {
  auto* group = program.add_subcommand("logs", "Collected logs")->require_subcommand(1);
  auto* search_command = group->add_subcommand("search", "Find records, the newest first");
  auto search_options = std::make_shared<LogOptions>();
  add_shared_options(*search_command, *search_options);
  search_command->add_option("--from", search_options->from, "Events at this time and later (RFC 3339)");
  search_command->add_option("--to", search_options->to, "Events before this time (RFC 3339)");
  search_command
      ->add_option("--since", search_options->since, "Events of this long ago and later, such as 2h")
      ->excludes("--from");
  search_command->add_option("-n,--count", search_options->count, "How many records, at most; by default 50");
  search_command->callback([&context, search_options] { context.status = run_search(*search_options); });

  auto* tail_command = group->add_subcommand("tail", "Show the last records, then those that arrive");
  auto tail_options = std::make_shared<LogOptions>();
  tail_options->count = 10;
  add_shared_options(*tail_command, *tail_options);
  tail_command->add_option("-n,--count", tail_options->count,
                           "How many records that are there already; by default 10");
  tail_command->callback([&context, tail_options] { context.status = run_tail(*tail_options); });
  add_logs_status_commands(*group, context);
  add_logs_collect_command(*group, context);
}

}  // namespace deputy::cli
