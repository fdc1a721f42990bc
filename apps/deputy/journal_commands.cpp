#include "command.hpp"
#include "config_option.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <iostream>

#include "app/service.hpp"
#include "storage/sqlite_store.hpp"

// The journal is read from the database itself, not through the server: an auditor need not trust a running
// process.
namespace deputy::cli {
namespace {

Result<std::unique_ptr<registry::Store>> open_store(const std::string& config_file) {
  DEPUTY_TRY(const auto config, load_checked_config(config_file));
  DEPUTY_TRY(const auto key, app::load_master_key(config));
  return storage::open_sqlite({.file = config.storage.sqlite_file, .read_only = true}, key);
}

Result<std::optional<journal::Checkpoint>> read_checkpoint(const std::string& file) {
  if (file.empty()) return std::optional<journal::Checkpoint>{};
  const auto given = journal::parse_checkpoint(file);
  if (given) return std::optional{given.value()};
  auto text = read_input(file);
  if (!text) {
    // What begins like a checkpoint was meant as one.
    const std::size_t number = file.find_first_not_of("0123456789");
    const bool is_meant = number != 0 && number != std::string::npos && file[number] == ':';
    return is_meant ? given.error() : text.error();
  }
  std::string& line = text.value();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) line.pop_back();
  DEPUTY_TRY(const auto checkpoint, journal::parse_checkpoint(line));
  return std::optional{checkpoint};
}

int verify(const std::string& config_file, const std::string& checkpoint_file, Output output) {
  const auto checkpoint = read_checkpoint(checkpoint_file);
  if (!checkpoint) {
    tell(checkpoint.error());
    return wrong_use;
  }
  const auto store = open_store(config_file);
  if (!store) {
    tell(store.error());
    return wrong_use;
  }
  const auto head = store.value()->check_integrity(checkpoint.value());
  if (output == Output::json) {
    boost::json::object result{{"verified", head.has_value()}};
    result["checkpoint"] =
        head ? boost::json::value(journal::to_text(head.value())) : boost::json::value(nullptr);
    result["finding"] = head ? boost::json::value(nullptr) : boost::json::value(head.error().message);
    std::cout << boost::json::serialize(result) << "\n";
  } else if (head) {
    std::cerr << fmt::format(
        "{} entries: none removed, changed, reordered or added. Checkpoint, to keep elsewhere:\n",
        head.value().sequence);
    std::cout << journal::to_text(head.value()) << "\n";
  }
  if (head) return done;
  tell(head.error());
  return found_something;
}

boost::json::object to_json(const journal::ChainedEntry& chained) {
  const journal::Entry& entry = chained.entry;
  boost::system::error_code ignored;
  return {{"sequence", entry.sequence},
          {"at", to_rfc3339_millis(entry.at)},
          {"actor", {{"kind", entry.actor.kind}, {"id", entry.actor.id}, {"address", entry.actor.address}}},
          {"act", entry.act},
          {"subject", entry.subject},
          {"tenant", entry.tenant},
          {"outcome", journal::to_text(entry.outcome)},
          {"detail", boost::json::parse(entry.detail, ignored)}};
}

void print_entry(const journal::ChainedEntry& chained, Output output) {
  const journal::Entry& entry = chained.entry;
  if (output == Output::json) {
    std::cout << (entry.sequence > 1 ? ",\n" : "\n") << boost::json::serialize(to_json(chained));
    return;
  }
  std::cout << fmt::format("{:>6}  {}  {:<7}  {:<24}  {}  by {} {} {}  {}\n", entry.sequence,
                           to_rfc3339(entry.at), journal::to_text(entry.outcome), entry.act, entry.subject,
                           entry.actor.kind, entry.actor.id, entry.actor.address, entry.detail);
}

int list(const std::string& config_file, Output output) {
  const auto store = open_store(config_file);
  if (!store) return tell(store.error());
  registry::PageRequest page{.limit = 200, .after = {}};
  if (output == Output::json) std::cout << "{\"items\":[";
  for (;;) {
    std::optional<std::string> next;
    const auto read = store.value()->read([&](registry::Transaction& tx) -> Result<void> {
      DEPUTY_TRY(const auto entries, tx.list_journal(page));
      for (const auto& chained : entries.items) print_entry(chained, output);
      next = entries.next_cursor;
      return success();
    });
    if (!read) return tell(read.error());
    if (!next) break;
    page.after = *next;
  }
  if (output == Output::json) std::cout << "]}\n";
  return done;
}

}  // namespace

void add_journal_commands(CLI::App& program, Context& context) {
  auto* group = program.add_subcommand("journal", "The audit journal, read from the database itself")
                    ->require_subcommand(1);
  auto* list_command = group->add_subcommand("list", "All entries, oldest first");
  auto list_config = add_config_option(*list_command);
  auto list_output = std::make_shared<Output>(Output::text);
  add_output_option(*list_command, *list_output);
  list_command->callback(
      [&context, list_config, list_output] { context.status = list(*list_config, *list_output); });

  auto* verify_command =
      group->add_subcommand("verify", "Find entries and rows that were removed, changed, reordered or added");
  auto verify_config = add_config_option(*verify_command);
  auto checkpoint = std::make_shared<std::string>();
  auto verify_output = std::make_shared<Output>(Output::text);
  verify_command->add_option(
      "--checkpoint", *checkpoint,
      "A checkpoint that was printed before, or a file with it: finds a tail that was cut off");
  add_output_option(*verify_command, *verify_output);
  verify_command->callback([&context, verify_config, checkpoint, verify_output] {
    context.status = verify(*verify_config, *checkpoint, *verify_output);
  });
}

}  // namespace deputy::cli
