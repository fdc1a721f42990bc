#pragma once

#include "logs/record.hpp"

#include <memory>
#include <string>
#include <vector>

namespace deputy::logs {

// An origin of account 1111…, with a connection and a tenant made of a letter each.
inline Origin an_origin(char letter = 'a', std::string group = "/acme/app") {
  const std::string body(24, letter);
  return {TenantId::parse("ten_" + body).value(), ConnectionId::parse("con_" + body).value(),
          AccountId::parse("111111111111").value(), Region::parse("eu-central-1").value(), std::move(group)};
}

inline EventTime at_ms(std::int64_t milliseconds) {
  return EventTime{std::chrono::milliseconds{milliseconds}};
}

// Records that own their texts.
class OwnedRecords {
 public:
  OwnedRecords& add(std::string event_id, std::int64_t timestamp_ms, std::string message,
                    std::string stream = "stream") {
    auto& texts = texts_.emplace_back(
        std::make_unique<Texts>(Texts{std::move(event_id), std::move(message), std::move(stream)}));
    records_.push_back({.stream = texts->stream,
                        .event_id = texts->event_id,
                        .message = texts->message,
                        .timestamp = at_ms(timestamp_ms),
                        .ingested = at_ms(timestamp_ms + 5)});
    return *this;
  }
  const std::vector<Record>& records() const { return records_; }

 private:
  struct Texts {
    std::string event_id, message, stream;
  };
  std::vector<std::unique_ptr<Texts>> texts_;
  std::vector<Record> records_;
};

}  // namespace deputy::logs
