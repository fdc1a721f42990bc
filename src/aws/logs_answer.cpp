#include <mutex>
#include <simdjson.h>

#include "aws/logs.hpp"
#include "aws/utf8_repair.hpp"

// simdjson, because a page has 10,000 events of some 400 bytes and fifty pages come a second: with Boost.JSON
// reading them would take most of a core (docs/adr/0020-simdjson-for-pages-of-logs.md). Its DOM, because that
// chooses the processor's best instructions when it runs, and checks the whole document.
namespace deputy::aws {

namespace dom = simdjson::dom;
using simdjson::error_code;
using simdjson::SUCCESS;

struct FilteredLogEvents::Texts {
  std::string body;
  dom::parser parser;  // holds the texts
};

namespace {

constexpr std::size_t spare_max = 4;

// Parsers that were used keep their memory: its pages would else be asked for anew with every answer.
struct Spare {
  std::mutex mutex;
  std::vector<std::unique_ptr<dom::parser>> parsers;
};
Spare& spare() {
  static Spare spare;
  return spare;
}

dom::parser take_parser() {
  Spare& pool = spare();
  const std::lock_guard hold{pool.mutex};
  if (pool.parsers.empty()) return dom::parser{};
  dom::parser parser = std::move(*pool.parsers.back());
  pool.parsers.pop_back();
  return parser;
}
void give_parser(dom::parser parser) {
  Spare& pool = spare();
  const std::lock_guard hold{pool.mutex};
  if (pool.parsers.size() < spare_max)
    pool.parsers.push_back(std::make_unique<dom::parser>(std::move(parser)));
}

Error malformed(std::string detail) {
  return {ErrorKind::upstream_unavailable, "the answer of CloudWatch Logs is not in its form",
          std::move(detail)};
}

struct SeenFields {
  bool stream = false, event_id = false, message = false, timestamp = false, ingestion = false;
  bool all() const { return stream && event_id && message && timestamp && ingestion; }
};

error_code read_event(dom::object object, FilteredLogEvent& event, SeenFields& seen) {
  for (const dom::key_value_pair each : object) {
    error_code error = SUCCESS;
    if (each.key == "message") {
      seen.message = true;
      error = each.value.get(event.message);
    } else if (each.key == "eventId") {
      seen.event_id = true;
      error = each.value.get(event.event_id);
    } else if (each.key == "logStreamName") {
      seen.stream = true;
      error = each.value.get(event.stream);
    } else if (each.key == "timestamp") {
      seen.timestamp = true;
      error = each.value.get(event.timestamp_ms);
    } else if (each.key == "ingestionTime") {
      seen.ingestion = true;
      error = each.value.get(event.ingestion_ms);
    }
    if (error) return error;
  }
  return SUCCESS;
}

Result<void> read_page(const dom::element& document, FilteredLogEvents& page) {
  dom::array events;
  if (const error_code error = document["events"].get(events))
    return malformed(std::string{"its list of events: "} + simdjson::error_message(error));
  page.events.reserve(events.size());
  for (const dom::element each : events) {
    dom::object object;
    FilteredLogEvent event;
    SeenFields seen;
    error_code error = each.get(object);
    if (!error) error = read_event(object, event, seen);
    if (error) return malformed(std::string{"an event: "} + simdjson::error_message(error));
    if (!seen.all() || event.event_id.empty())
      return malformed("an event lacks its ID, stream, time or message");
    page.events.push_back(event);
  }
  const auto token = document["nextToken"];
  if (token.error() == simdjson::NO_SUCH_FIELD || token.is_null()) return success();
  std::string_view text;
  if (const error_code error = token.get(text))
    return malformed(std::string{"its token: "} + simdjson::error_message(error));
  page.next_token = text;
  return success();
}

}  // namespace

FilteredLogEvents::FilteredLogEvents() : texts_(std::make_unique<Texts>()) {}
FilteredLogEvents::FilteredLogEvents(FilteredLogEvents&&) noexcept = default;
FilteredLogEvents& FilteredLogEvents::operator=(FilteredLogEvents&&) noexcept = default;
FilteredLogEvents::~FilteredLogEvents() {
  if (texts_) give_parser(std::move(texts_->parser));
}

Result<FilteredLogEvents> FilteredLogEvents::read(std::string body) {
  FilteredLogEvents page;
  Texts& texts = *page.texts_;
  texts.parser = take_parser();
  texts.body = std::move(body);
  const auto parse = [&texts] {
    texts.body.reserve(texts.body.size() + simdjson::SIMDJSON_PADDING);
    return texts.parser.parse(texts.body.data(), texts.body.size(), false);
  };
  auto document = parse();
  if (document.error() == simdjson::UTF8_ERROR || document.error() == simdjson::STRING_ERROR) {
    texts.body = replace_lone_surrogates(replace_invalid_utf8(texts.body));
    document = parse();
  }
  dom::object object;
  if (const error_code error = document.get(object)) return malformed(simdjson::error_message(error));
  DEPUTY_TRY(read_page(document.value_unsafe(), page));
  return page;
}

}  // namespace deputy::aws
