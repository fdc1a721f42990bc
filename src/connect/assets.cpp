#include "connect/assets.hpp"

#include "connect/resources.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sodium.h>

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

constexpr std::string_view css = "text/css; charset=utf-8";

}  // namespace

Assets::Assets(const Brand& brand) {
  assets_.push_back(named("style", "css", css, std::string{resource("style.css")}));
  assets_.push_back(named("brand", "css", css, connect::brand_style(brand)));
  assets_.push_back(
      named("connect", "js", "text/javascript; charset=utf-8", std::string{resource("connect.js")}));
  assets_.push_back(named("mark", "svg", "image/svg+xml", brand_mark(brand)));
  if (brand.logo)
    assets_.push_back(named("logo", brand.logo->extension, brand.logo->content_type, brand.logo->bytes));
}

const Asset* Assets::find(std::string_view path) const {
  const auto found = std::ranges::find(assets_, path, &Asset::path);
  return found == assets_.end() ? nullptr : &*found;
}

}  // namespace deputy::connect
