#pragma once

#include "logs/record.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace deputy::logs {

// Appends the text as JSON has it, without quotes. Safe in a file and on a terminal: control characters,
// those of C1 (U+0080–U+009F) and DEL are escaped; bytes that are no UTF-8 become U+FFFD.
void append_json_text(std::string& out, std::string_view text);

// How many bytes `append_json_text` appends at most; for ASCII without control characters exactly so many.
std::size_t json_text_bytes_max(std::string_view text);

// `2026-11-28T01:02:03.004Z`. Years before 1970 or after 9999 are written as the nearest of these.
void append_time(std::string& out, EventTime time);

// Appends each record as one line: {"timestamp","ingested_at","tenant_id","connection_id","account_id",
// "region","group","stream","event_id","message"}, as in the API.
void append_ndjson(std::string& out, const Origin& origin, const std::vector<Record>& records);

}  // namespace deputy::logs
