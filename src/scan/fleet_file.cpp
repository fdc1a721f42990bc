#include "scan/fleet_file.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <string_view>

#include "aws/sigv4.hpp"

namespace deputy::scan {
namespace {

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error at_line(std::size_t line, Error error) {
  error.message = fmt::format("line {}: {}", line, error.message);
  return error;
}

// Equal texts found again without keeping them: a fleet may have a million rows.
struct Seen {
  std::uint64_t what;
  std::uint64_t whose;
  std::uint32_t line;
};
std::uint64_t short_hash(std::string_view text) {
  return std::stoull(aws::sha256_hex(text).substr(0, 16), nullptr, 16);
}

void note(Survey& survey, std::string text) {
  ++survey.note_count;
  if (survey.notes.size() < Survey::listed_max) survey.notes.push_back(std::move(text));
}

void add_problem(Survey& survey, std::string text) {
  ++survey.problem_count;
  if (survey.problems.size() < Survey::listed_max) survey.problems.push_back(std::move(text));
}

// `seen` is sorted by what, then line.
template <class Tell>
void for_each_repeated(std::vector<Seen>& seen, Tell tell) {
  std::ranges::sort(seen, [](const Seen& a, const Seen& b) {
    return a.what != b.what ? a.what < b.what : a.line < b.line;
  });
  for (auto begin = seen.begin(); begin != seen.end();) {
    const auto end =
        std::find_if(begin, seen.end(), [begin](const Seen& other) { return other.what != begin->what; });
    if (end - begin > 1) tell(begin, end);
    begin = end;
  }
}

void tell_repeated(Survey& made, std::vector<Seen>& rows, std::vector<Seen>& ids) {
  for_each_repeated(rows, [&made](auto begin, auto end) {
    for (auto again = begin + 1; again != end; ++again)
      note(made,
           fmt::format("line {} repeats the role and the external ID of line {}", again->line, begin->line));
  });
  for_each_repeated(ids, [&made](auto begin, auto end) {
    const auto other =
        std::find_if(begin, end, [begin](const Seen& row) { return row.whose != begin->whose; });
    if (other != end)
      note(made,
           fmt::format(
               "lines {} and {} have the same external ID under different names: each customer needs one "
               "of its own",
               begin->line, other->line));
  });
}

}  // namespace

Result<FleetReader::Columns> FleetReader::read_header(const CsvRecord& record) {
  const auto find = [&record](std::string_view name) -> Result<std::size_t> {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < record.fields.size(); ++i) {
      if (without_blanks(record.fields[i]) != name) continue;
      if (found)
        return Error{ErrorKind::invalid_request,
                     fmt::format("line {}: the column `{}` twice", record.line, name)};
      found = i;
    }
    if (found) return *found;
    return Error{ErrorKind::invalid_request,
                 fmt::format("line {}: no column `{}`; the header has `name`, `role_arn` and `external_id`",
                             record.line, name)};
  };
  Columns columns{};
  DEPUTY_TRY(columns.name, find("name"));
  DEPUTY_TRY(columns.role_arn, find("role_arn"));
  DEPUTY_TRY(columns.external_id, find("external_id"));
  columns.count = record.fields.size();
  return columns;
}

Result<FleetReader> FleetReader::open(std::FILE* file) {
  CsvReader csv{file};
  DEPUTY_TRY(const auto header, csv.next());
  if (!header)
    return Error{
        ErrorKind::invalid_request,
        "line 1: the file is empty; it begins with a header of `name`, `role_arn` and `external_id`"};
  DEPUTY_TRY(const auto columns, read_header(*header));
  return FleetReader{std::move(csv), columns};
}

Result<FleetRow> FleetReader::parse(const CsvRecord& record) const {
  if (record.fields.size() != columns_.count)
    return Error{ErrorKind::invalid_request,
                 fmt::format("{} fields, and the header has {}", record.fields.size(), columns_.count)};
  const std::string& name = record.fields[columns_.name];
  const std::string_view id = without_blanks(record.fields[columns_.external_id]);
  if (name.size() > name_bytes_max)
    return Error{ErrorKind::invalid_request, fmt::format("the name is longer than {} bytes", name_bytes_max)};
  if (id.empty())
    return Error{ErrorKind::invalid_request,
                 "no external ID: a role that was never given one cannot require it, and lets in whoever "
                 "names its ARN to you"};
  DEPUTY_TRY(auto role_arn, RoleArn::parse(without_blanks(record.fields[columns_.role_arn])));
  DEPUTY_TRY(auto external_id, ExternalId::parse(id));
  return FleetRow{.number = rows_,
                  .line = record.line,
                  .name = name,
                  .role_arn = std::move(role_arn),
                  .external_id = std::move(external_id)};
}

Result<std::optional<FleetRow>> FleetReader::next() {
  can_go_on_ = false;
  DEPUTY_TRY(const auto record, csv_.next());
  if (!record) return std::optional<FleetRow>{};
  if (rows_ == rows_max)
    return Error{ErrorKind::invalid_request,
                 fmt::format("line {}: more than {} roles; split the file", record->line, rows_max)};
  auto row = parse(*record);
  ++rows_;
  if (row) return std::optional{std::move(row).value()};
  can_go_on_ = true;
  return at_line(record->line, std::move(row).error());
}

Result<Survey> survey(std::FILE* file, std::optional<Partition> partition) {
  Survey made;
  made.partition = partition;
  std::vector<Seen> rows;
  std::vector<Seen> ids;
  DEPUTY_TRY(auto reader, FleetReader::open(file));
  for (;;) {
    const auto row = reader.next();
    if (row.has_error()) {
      if (!reader.can_go_on()) return row.error();
      add_problem(made, row.error().message);
      continue;
    }
    if (!row.value()) break;
    const FleetRow& read = *row.value();
    ++made.rows;
    if (!made.partition) made.partition = read.role_arn.partition();
    if (read.role_arn.partition() != *made.partition)
      add_problem(made,
                  fmt::format("line {}: the role is in the partition `{}`, and the Region to call in `{}`",
                              read.line, to_text(read.role_arn.partition()), to_text(*made.partition)));
    const auto line = static_cast<std::uint32_t>(read.line);
    rows.push_back({short_hash(read.role_arn.text() + '\n' + read.external_id.text()), 0, line});
    ids.push_back({short_hash(read.external_id.text()), short_hash(read.name), line});
  }
  made.sha256 = reader.sha256_hex();
  tell_repeated(made, rows, ids);
  if (std::fseek(file, 0, SEEK_SET) != 0)
    return Error{ErrorKind::invalid_request, "the fleet must be a file that can be read twice, not a pipe"};
  return made;
}

}  // namespace deputy::scan
