#include "http/response_writer.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <fmt/format.h>
#include <iterator>

namespace deputy::http {
namespace {

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
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
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 std::string_view{reason.data(), reason.size()});
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
      fmt::format_to(std::back_inserter(out), "{}", response.body.size());
    }
    out.append("\r\n");
  }
  if (!frame.keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
  return true;
}

}  // namespace deputy::http
