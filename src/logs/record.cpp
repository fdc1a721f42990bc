#include "logs/record.hpp"

#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>

#define XXH_INLINE_ALL
#include <xxhash.h>

// The form of an encoded page, little-endian:
//   header   u32 magic, u32 version, u64 length of what follows the header, u64 XXH3 of that
//   origin   five texts (u32 length, bytes): tenant, connection, account, region, group
//   streams  u32 count, each a text
//   records  u32 count, each: i64 timestamp, i64 ingested, u32 message length, u32 stream, u32 event ID
//   length,
//            event ID, message
namespace deputy::logs {
namespace {

static_assert(std::endian::native == std::endian::little, "pages are written as they are in memory");

constexpr std::uint32_t magic = 0x4c505944;  // "DYPL"
constexpr std::uint32_t version = 1;
constexpr std::size_t record_header_bytes = 28;

template <class Number>
void put(std::vector<char>& out, Number number) {
  const std::size_t at = out.size();
  out.resize(at + sizeof number);
  std::memcpy(out.data() + at, &number, sizeof number);
}
void put_text(std::vector<char>& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

// Takes values off the front of bytes whose checksum was right; still never reads beyond the end.
class Take {
 public:
  explicit Take(std::string_view bytes) : bytes_(bytes) {}
  template <class Number>
  Number number() {
    Number value{};
    if (bytes_.size() < sizeof value) {
      broken_ = true;
      return value;
    }
    bytes_.copy(reinterpret_cast<char*>(&value), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view view(std::size_t length) {
    if (bytes_.size() < length) {
      broken_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return taken;
  }
  std::string_view text() { return view(number<std::uint32_t>()); }
  bool broken() const { return broken_; }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool broken_ = false;
};

Error damaged(std::string what) {
  return {ErrorKind::internal, "the spool of the log collector is damaged", std::move(what)};
}

EventTime time_of(std::int64_t milliseconds) {
  return EventTime{std::chrono::milliseconds{milliseconds}};
}

Result<Origin> take_origin(Take& take) {
  DEPUTY_TRY(auto tenant, TenantId::parse(take.text()));
  DEPUTY_TRY(auto connection, ConnectionId::parse(take.text()));
  DEPUTY_TRY(auto account, AccountId::parse(take.text()));
  DEPUTY_TRY(auto region, Region::parse(take.text()));
  std::string group{take.text()};
  if (take.broken()) return damaged("an origin is cut off");
  return Origin{std::move(tenant), std::move(connection), std::move(account), std::move(region),
                std::move(group)};
}

Result<void> take_records(Take& take, std::vector<Record>& records) {
  std::vector<std::string_view> streams(
      std::min<std::size_t>(take.number<std::uint32_t>(), take.left() / sizeof(std::uint32_t) + 1));
  for (std::string_view& stream : streams) stream = take.text();
  const std::size_t count = take.number<std::uint32_t>();
  if (take.broken() || count > take.left() / record_header_bytes)
    return damaged("a page is shorter than it says");
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Record record;
    record.timestamp = time_of(take.number<std::int64_t>());
    record.ingested = time_of(take.number<std::int64_t>());
    const auto message_length = take.number<std::uint32_t>();
    const auto stream = take.number<std::uint32_t>();
    record.event_id = take.text();
    record.message = take.view(message_length);
    if (take.broken() || stream >= streams.size()) return damaged("a record is cut off");
    record.stream = streams[stream];
    records.push_back(record);
  }
  if (take.left() != 0) return damaged("a page is longer than it says");
  return success();
}

}  // namespace

std::array<std::byte, 16> RecordIdentity::bytes() const {
  std::array<std::byte, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::byte>(high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::byte>(low >> (56 - 8 * i));
  }
  return bytes;
}

IdentityMaker::IdentityMaker(const Origin& origin) {
  std::string text;
  for (const std::string* part :
       {&origin.connection.text(), &origin.account.text(), &origin.region.text(), &origin.group}) {
    text.append(*part).push_back('\0');
  }
  seed_ = XXH3_64bits(text.data(), text.size());
}

RecordIdentity IdentityMaker::identity(const Record& record) const {
  // AWS's event IDs have 56 digits; what is longer is hashed first.
  std::array<char, 144> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  const std::int64_t times[] = {record.timestamp.time_since_epoch().count(),
                                record.ingested.time_since_epoch().count()};
  std::memcpy(bytes.data(), times, sizeof times);
  std::size_t size = sizeof times;
  if (record.event_id.size() <= bytes.size() - size) {
    std::memcpy(bytes.data() + size, record.event_id.data(), record.event_id.size());
    size += record.event_id.size();
  } else {
    const XXH128_hash_t hash = XXH3_128bits(record.event_id.data(), record.event_id.size());
    std::memcpy(bytes.data() + size, &hash, sizeof hash);
    size += sizeof hash;
  }
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), size, seed_);
  return {hash.high64, hash.low64};
}

std::uint64_t RecordPage::message_bytes() const {
  std::uint64_t sum = 0;
  for (const Record& record : records) sum += record.message.size();
  return sum;
}

namespace {

// A page has each stream's name once.
struct Streams {
  std::vector<std::string_view> names;
  std::vector<std::uint32_t> of;  // each record
};
Streams streams_of(const std::vector<Record>& records) {
  Streams streams;
  std::unordered_map<std::string_view, std::uint32_t> number_of;
  streams.of.reserve(records.size());
  for (const Record& record : records) {
    if (!streams.of.empty() && streams.names[streams.of.back()] == record.stream) {
      streams.of.push_back(streams.of.back());
      continue;
    }
    const auto next = static_cast<std::uint32_t>(streams.names.size());
    const auto [place, is_new] = number_of.emplace(record.stream, next);
    if (is_new) streams.names.push_back(record.stream);
    streams.of.push_back(place->second);
  }
  return streams;
}

void put_record(std::vector<char>& out, const Record& record, std::uint32_t stream) {
  const std::size_t at = out.size();
  out.resize(at + record_header_bytes + record.event_id.size() + record.message.size());
  char* to = out.data() + at;
  const std::int64_t times[] = {record.timestamp.time_since_epoch().count(),
                                record.ingested.time_since_epoch().count()};
  const std::uint32_t lengths[] = {static_cast<std::uint32_t>(record.message.size()), stream,
                                   static_cast<std::uint32_t>(record.event_id.size())};
  std::memcpy(to, times, sizeof times);
  std::memcpy(to + sizeof times, lengths, sizeof lengths);
  to += record_header_bytes;
  if (!record.event_id.empty()) std::memcpy(to, record.event_id.data(), record.event_id.size());
  to += record.event_id.size();
  if (!record.message.empty()) std::memcpy(to, record.message.data(), record.message.size());
}

}  // namespace

void encode_page(const Origin& origin, const std::vector<Record>& records, std::vector<char>& out) {
  const std::size_t start = out.size();
  std::size_t estimate = page_header_bytes + 512;
  for (const Record& record : records)
    estimate += record_header_bytes + record.event_id.size() + record.message.size();
  out.reserve(start + estimate);
  out.resize(start + page_header_bytes);
  for (const std::string* part : {&origin.tenant.text(), &origin.connection.text(), &origin.account.text(),
                                  &origin.region.text(), &origin.group})
    put_text(out, *part);

  const Streams streams = streams_of(records);
  put(out, static_cast<std::uint32_t>(streams.names.size()));
  for (const std::string_view stream : streams.names) put_text(out, stream);
  put(out, static_cast<std::uint32_t>(records.size()));
  for (std::size_t i = 0; i < records.size(); ++i) put_record(out, records[i], streams.of[i]);

  const std::uint64_t length = out.size() - start - page_header_bytes;
  const std::uint64_t checksum = XXH3_64bits(out.data() + start + page_header_bytes, length);
  const std::uint32_t head[] = {magic, version};
  std::memcpy(out.data() + start, head, sizeof head);
  std::memcpy(out.data() + start + 8, &length, sizeof length);
  std::memcpy(out.data() + start + 16, &checksum, sizeof checksum);
}

Result<RecordPage> decode_page(std::vector<char> encoded) {
  if (encoded.size() < page_header_bytes) return damaged("a page is shorter than its header");
  Take header{{encoded.data(), page_header_bytes}};
  if (header.number<std::uint32_t>() != magic || header.number<std::uint32_t>() != version)
    return damaged("a page does not begin like one");
  const auto length = header.number<std::uint64_t>();
  const auto checksum = header.number<std::uint64_t>();
  if (length != encoded.size() - page_header_bytes) return damaged("a page has not the length it says");
  if (XXH3_64bits(encoded.data() + page_header_bytes, length) != checksum)
    return damaged("a page has not the checksum it says");
  Take take{{encoded.data() + page_header_bytes, length}};
  auto origin = take_origin(take);
  if (!origin) return damaged("an origin is not one: " + origin.error().message);
  RecordPage page{std::move(origin).value(), {}, {}};
  DEPUTY_TRY(take_records(take, page.records));
  page.bytes = std::move(encoded);  // moving a vector leaves its bytes where they are
  return page;
}

}  // namespace deputy::logs
