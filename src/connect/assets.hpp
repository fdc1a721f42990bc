#pragma once

#include "connect/brand.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace deputy::connect {

// A file that the pages refer to. Its name carries a hash of its content, so it may be cached for ever.
struct Asset {
  std::string path;  // `/connect/assets/style.0123456789abcdef.css`
  std::string_view content_type;
  std::string body;
};
inline constexpr std::string_view asset_prefix = "/connect/assets/";
inline constexpr std::string_view asset_cache_control = "public, max-age=31536000, immutable";

// The style sheet, the script, the partner's colours and logo. Immutable, thread-safe.
class Assets {
 public:
  explicit Assets(const Brand& brand);
  const std::vector<Asset>& all() const { return assets_; }
  // By the whole path; nullptr when there is none.
  const Asset* find(std::string_view path) const;

  // The style sheet in two parts: what every page needs, and what the first screen does without.
  const Asset& style() const { return assets_[0]; }
  const Asset& further_style() const { return assets_[4]; }
  const Asset& brand_style() const { return assets_[1]; }
  const Asset& script() const { return assets_[2]; }
  // The page's icon, drawn from the brand's colour and initial.
  const Asset& mark() const { return assets_[3]; }
  const Asset* logo() const { return assets_.size() > 5 ? &assets_[5] : nullptr; }

 private:
  std::vector<Asset> assets_;
};

}  // namespace deputy::connect
