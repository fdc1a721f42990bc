#include "verification_view.hpp"

#include "command.hpp"
#include "object_view.hpp"
#include "scan/safe_text.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <fmt/format.h>
#include <iostream>
#include <thread>

namespace deputy::cli {
namespace {

constexpr std::chrono::milliseconds look_again_after{500};
// Longer than a verification takes that waits for a role that was just made.
constexpr std::chrono::minutes patience{10};

std::string member_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string{} : std::string{text->data(), text->size()};
}

std::string path_of(const std::string& connection, const std::string& verification) {
  return fmt::format("/v1/connections/{}/verifications/{}", url_part(connection), url_part(verification));
}

// Under the check that it belongs to; it may be a whole policy to paste, line by line.
void print_mend(std::string_view mend) {
  constexpr std::string_view head = "to mend it: ";
  for (bool is_first = true; !mend.empty(); is_first = false) {
    const std::size_t end = std::min(mend.find('\n'), mend.size());
    std::cout << "      " << (is_first ? head : "") << scan::for_terminal(mend.substr(0, end)) << "\n";
    mend.remove_prefix(std::min(end + 1, mend.size()));
  }
}

enum class Which { all, not_passed };

void print_checks(const boost::json::object& verification, Which which) {
  const auto* checks = verification.if_contains("checks");
  if (checks == nullptr || !checks->is_array()) return;
  for (const auto& one : checks->get_array()) {
    const auto* check = one.if_object();
    if (check == nullptr) continue;
    const std::string result = member_of(*check, "result");
    if (which == Which::not_passed && (result == "passed" || result == "skipped")) continue;
    std::cout << fmt::format("  {:<12}  {}: {}\n", scan::for_terminal(result),
                             scan::for_terminal(member_of(*check, "name")),
                             scan::for_terminal(member_of(*check, "message")));
    print_mend(member_of(*check, "mend"));
  }
}

void print_head(const boost::json::object& verification) {
  const std::string outcome = member_of(verification, "outcome");
  const std::string proof = member_of(verification, "proof");
  std::cout << fmt::format(
      "{}  {}{}  began {}{}\n", scan::for_terminal(member_of(verification, "id")),
      scan::for_terminal(outcome.empty() ? member_of(verification, "status") : outcome),
      outcome == "passed" ? ", " + scan::for_terminal(proof) : "",
      scan::for_terminal(member_of(verification, "started_at")),
      outcome.empty() ? "" : ", ended " + scan::for_terminal(member_of(verification, "finished_at")));
}

void print_verification(const boost::json::object& verification, Which which) {
  print_head(verification);
  print_checks(verification, which);
}

}  // namespace

int show_connection(const app::ApiAnswer& connection) {
  const auto& object = connection.body.as_object();
  print_members(object);
  const auto* last = object.if_contains("last_verification");
  const auto* summary = last == nullptr ? nullptr : last->if_object();
  if (summary == nullptr) return done;
  const auto verification = call_api("GET", path_of(member_of(object, "id"), member_of(*summary, "id")));
  if (!verification) return tell(verification.error());
  // A workload sees its connection, and not how it was verified.
  if (verification.value().status == 403 || verification.value().status == 404) return done;
  if (!verification.value().ok() || !verification.value().body.is_object())
    return tell_problem(verification.value());
  std::cout << "\nThe last verification:\n";
  print_verification(verification.value().body.get_object(), Which::all);
  return done;
}

Result<app::ApiAnswer> finished_verification(const app::ApiAnswer& begun) {
  const std::string path = path_of(begun.member("connection_id"), begun.member("id"));
  std::cerr << "deputy: " << scan::for_terminal(begun.member("id")) << " runs; its outcome comes here\n";
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto now = call_api("GET", path);
    if (!now || !now.value().ok() || now.value().member("status") != "running") return now;
    if (std::chrono::steady_clock::now() > end) {
      std::cerr << "deputy: it still runs; `deputy connection verifications` shows it later\n";
      return now;
    }
    std::this_thread::sleep_for(look_again_after);
  }
}

int show_verification(const app::ApiAnswer& verification) {
  print_verification(verification.body.as_object(), Which::all);
  return done;
}

int status_of_verification(const app::ApiAnswer& verification) {
  const std::string outcome = verification.member("outcome");
  if (outcome == "passed") return done;
  return outcome == "failed" ? found_something : undetermined;
}

int show_verifications(const app::ApiAnswer& list) {
  const auto* items = list.body.as_object().if_contains("items");
  if (items == nullptr || !items->is_array()) return done;
  auto which = Which::all;
  for (const auto& one : items->get_array()) {
    if (const auto* verification = one.if_object()) print_verification(*verification, which);
    which = Which::not_passed;
  }
  return done;
}

}  // namespace deputy::cli
