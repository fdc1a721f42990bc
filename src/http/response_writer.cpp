#include "http/response_writer.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <fmt/format.h>

namespace deputy::http {
namespace {

// RFC 9110, 5.6.2.
constexpr std::array<bool, 256> token_characters = [] {
  std::array<bool, 256> is{};
  for (unsigned char c = '0'; c <= '9'; ++c) is[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) is[c] = is[c - 0x20U] = true;
  for (const unsigned char c : std::string_view{"!#$%&'*+-.^_`|~"}) is[c] = true;
  return is;
}();

bool is_token(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return token_characters[static_cast<unsigned char>(c)]; });
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

bool is_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool is_without_content(int status) {
  return status == 204 || status == 304;
}

bool is_listeners_own(std::string_view name) {
  return equal_without_case(name, "content-length") || equal_without_case(name, "connection") ||
         equal_without_case(name, "transfer-encoding") || equal_without_case(name, "keep-alive");
}

// At least, without the date.
std::size_t size_of(const Response& response) {
  std::size_t size = 192;  // the status line and the listener's own fields
  for (const auto& [name, value] : response.headers) size += name.size() + value.size() + 4;
  return size;
}

}  // namespace

std::string_view DateLine::at(std::time_t now) {
  if (now != formatted_) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    text_ = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                        days.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                        months.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                        utc.tm_min, utc.tm_sec);
    formatted_ = now;
  }
  return text_;
}

bool sends_body(const Response& response, const ResponseFrame& frame) {
  return !frame.to_head && !is_without_content(response.status) && !response.body.empty();
}

bool write_header(const Response& response, const ResponseFrame& frame, std::string& out) {
  if (response.status < 200 || response.status > 599) return false;
  out.clear();
  out.reserve(size_of(response) + frame.date.size());  // growing would leave cookies behind
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(response.status));
  out.append(" ").append(reason.data(), reason.size()).append("\r\n");
  bool has_date = false;
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_value(value)) return false;
    if (is_listeners_own(name)) continue;
    has_date = has_date || equal_without_case(name, "date");
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_date) out.append("Date: ").append(frame.date).append("\r\n");
  if (!is_without_content(response.status)) {
    // What a GET would say is the handler's to know, if it did not make the body.
    const auto told = frame.to_head ? response.headers.find("content-length") : std::nullopt;
    out.append("Content-Length: ");
    if (told) {
      out.append(*told);
    } else {
      append_number(out, response.body.size());
    }
    out.append("\r\n");
  }
  if (!frame.keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
  return true;
}

}  // namespace deputy::http
