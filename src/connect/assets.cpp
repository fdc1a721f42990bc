#include "connect/assets.hpp"

#include "connect/resources.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sodium.h>

#include "core/assert.hpp"

namespace deputy::connect {
namespace {

// The first 64 bits of SHA-256: two versions of one file never meet by chance.
std::string fingerprint(std::string_view body) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(body.data()), body.size());
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) out += fmt::format("{:02x}", hash[i]);
  return out;
}

Asset named(std::string_view name, std::string_view extension, std::string_view content_type,
            std::string body) {
  std::string path = fmt::format("{}{}.{}.{}", asset_prefix, name, fingerprint(body), extension);
  return {.path = std::move(path), .content_type = content_type, .body = std::move(body)};
}

// The style sheet and the script without comments on lines of their own, indentation and the blanks that only
// people need: a quarter of what goes over the wire. Both are written so that this is safe: a blank inside a
// string stands alone.
std::string without_air(std::string_view source) {
  std::string out;
  bool in_comment = false;
  while (!source.empty()) {
    std::string_view line = source.substr(0, source.find('\n'));
    source.remove_prefix(std::min(source.size(), line.size() + 1));
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
    const bool comment = in_comment || line.starts_with("/*");
    in_comment = comment && !line.ends_with("*/");
    if (comment || line.empty() || line.starts_with("//")) continue;
    out.append(line).append("\n");
  }
  return out;
}

// `style.css` is written as one and sent as two.
std::pair<std::string_view, std::string_view> parts_of_style() {
  constexpr std::string_view line = "/* FURTHER */\n";
  const std::string_view whole = resource("style.css");
  const auto at = whole.find(line);
  DEPUTY_ASSERT(at != std::string_view::npos);
  return {whole.substr(0, at), whole.substr(at + line.size())};
}

std::string tightened(std::string style) {
  constexpr std::pair<std::string_view, std::string_view> shorter[] = {
      {" {", "{"}, {"{ ", "{"},  {": ", ":"},  {"; ", ";"}, {", ", ","},
      {";}", "}"}, {"{\n", "{"}, {";\n", ";"}, {"}\n", "}"}};
  for (const auto& [from, to] : shorter)
    for (auto at = style.find(from); at != std::string::npos; at = style.find(from, at))
      style.replace(at, from.size(), to);
  return style;
}

constexpr std::string_view css = "text/css; charset=utf-8";

}  // namespace

Assets::Assets(const Brand& brand) {
  assets_.push_back(named("style", "css", css, tightened(without_air(parts_of_style().first))));
  assets_.push_back(named("brand", "css", css, connect::brand_style(brand)));
  assets_.push_back(
      named("connect", "js", "text/javascript; charset=utf-8", without_air(resource("connect.js"))));
  assets_.push_back(named("mark", "svg", "image/svg+xml", brand_mark(brand)));
  assets_.push_back(named("further", "css", css, tightened(without_air(parts_of_style().second))));
  if (brand.logo)
    assets_.push_back(named("logo", brand.logo->extension, brand.logo->content_type, brand.logo->bytes));
}

const Asset* Assets::find(std::string_view path) const {
  const auto found = std::ranges::find(assets_, path, &Asset::path);
  return found == assets_.end() ? nullptr : &*found;
}

}  // namespace deputy::connect
