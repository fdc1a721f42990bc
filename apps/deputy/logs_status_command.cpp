#include "command.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <iostream>

// How collecting logs stands: a client of the API. Names of log groups and AWS's error texts are other
// people's: they reach a terminal in backticks alone.
namespace deputy::cli {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string{value->get_string()} : json::serialize(*value);
}

std::string error_at(const json::object& object) {
  const json::value* const error = object.if_contains("last_error");
  if (error == nullptr || !error->is_object()) return "";
  return fmt::format("  {} {}", in_backticks(text_at(error->get_object(), "code")),
                     in_backticks(text_at(error->get_object(), "message")));
}

void print_objects(const json::object& body, std::string_view list,
                   void (*print)(const json::object& object)) {
  const json::value* const items = body.if_contains(list);
  if (items == nullptr || !items->is_array()) return;
  for (const json::value& each : items->get_array())
    if (each.is_object()) print(each.get_object());
}

void print_connection(const json::object& each) {
  std::cout << fmt::format("connection  {}  {:<14}  {} log groups, {}{}\n", text_at(each, "connection_id"),
                           text_at(each, "region"), text_at(each, "sources"),
                           text_at(each, "held") == "true" ? "collected here" : "not collected here",
                           error_at(each));
}
void print_tenant(const json::object& each) {
  std::cout << fmt::format("tenant      {}  {} log groups, {} events, {} bytes, {} s behind\n",
                           text_at(each, "tenant_id"), text_at(each, "sources"), text_at(each, "events"),
                           text_at(each, "message_bytes"), text_at(each, "lag_seconds"));
}
void print_sink(const json::object& each) {
  const json::value* const trouble = each.if_contains("trouble");
  const bool stands = trouble != nullptr && trouble->is_object();
  std::cout << fmt::format(
      "sink        {}  {} bytes behind{}\n", in_backticks(text_at(each, "sink")),
      text_at(each, "bytes_behind"),
      stands ? "  stands still: " + in_backticks(text_at(trouble->get_object(), "message")) : "");
}
void print_source(const json::object& each) {
  std::cout << fmt::format("{}  {:<14}  {:<17}  {:>6} s behind  {:>10} events  {:>6} found late  {}{}\n",
                           text_at(each, "connection_id"), text_at(each, "region"), text_at(each, "status"),
                           text_at(each, "lag_seconds"), text_at(each, "events"),
                           text_at(each, "rescan_events"), in_backticks(text_at(each, "log_group")),
                           error_at(each));
}

// The lists of a further page, behind those of the pages before.
void append_lists(json::object& body, const json::object& page) {
  for (const std::string_view list : {"tenants", "connections"}) {
    const json::value* const more = page.if_contains(list);
    json::value* const whole = body.if_contains(list);
    if (more == nullptr || !more->is_array() || whole == nullptr || !whole->is_array()) continue;
    for (const json::value& each : more->get_array()) whole->get_array().push_back(each);
  }
}

// Gives the pages of a list to `each`, to the last one; the exit status.
template <class Each>
int follow_pages(const std::string& path, const Each& each) {
  std::string cursor;
  for (int pages = 0; pages < app::list_pages_max; ++pages) {
    const auto page = call_api("GET", path + (cursor.empty() ? "" : "&cursor=" + url_part(cursor)));
    if (!page) return tell(page.error());
    if (!page.value().ok() || !page.value().body.is_object()) return tell_problem(page.value());
    each(page.value().body.get_object());
    cursor = page.value().member("next_cursor");
    if (cursor.empty()) return done;
  }
  return tell(Error{
      ErrorKind::upstream_unavailable,
      fmt::format("the server's list does not end after {} pages: is it a Deputy?", app::list_pages_max)});
}

int status(Output output) {
  json::object body;
  const int ended = follow_pages("/v1/logs/status?limit=200", [&](const json::object& page) {
    if (body.empty())
      body = page;
    else
      append_lists(body, page);
  });
  if (ended != done) return ended;
  if (output == Output::json) {
    body["next_cursor"] = nullptr;
    std::cout << json::serialize(body) << "\n";
    return done;
  }
  std::cout << fmt::format("log groups  {}\nspool       {}\nbehind      {} s at most\n",
                           text_at(body, "sources"), text_at(body, "spool"), text_at(body, "lag_seconds"));
  print_objects(body, "sinks", print_sink);
  print_objects(body, "tenants", print_tenant);
  print_objects(body, "connections", print_connection);
  return done;
}

int sources(const std::string& connection, Output output) {
  bool first = true;
  if (output == Output::json) std::cout << "{\"items\":[";
  std::string path = "/v1/logs/sources?limit=200";
  if (!connection.empty()) path += "&connection_id=" + url_part(connection);
  const int ended = follow_pages(path, [&](const json::object& page) {
    if (output == Output::text) {
      print_objects(page, "items", print_source);
    } else if (const json::value* items = page.if_contains("items"); items != nullptr && items->is_array()) {
      for (const json::value& each : items->get_array())
        std::cout << (std::exchange(first, false) ? "" : ",") << json::serialize(each);
    }
  });
  if (ended == done && output == Output::json) std::cout << "]}\n";
  return ended;
}

}  // namespace

void add_logs_status_commands(CLI::App& group, Context& context) {
  auto* status_command = group.add_subcommand("status", "How collecting stands: connections, spool, sinks");
  auto status_output = std::make_shared<Output>(Output::text);
  add_output_option(*status_command, *status_output);
  status_command->callback([&context, status_output] { context.status = status(*status_output); });

  auto* sources_command = group.add_subcommand("sources", "How far each log group is collected");
  auto sources_output = std::make_shared<Output>(Output::text);
  auto connection = std::make_shared<std::string>();
  sources_command->add_option("--connection", *connection, "Only those of this connection");
  add_output_option(*sources_command, *sources_output);
  sources_command->callback(
      [&context, connection, sources_output] { context.status = sources(*connection, *sources_output); });
}

}  // namespace deputy::cli
