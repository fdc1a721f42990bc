#include "connect/brand.hpp"

#include "connect/assets.hpp"
#include "connect/resources.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace deputy::connect {
namespace {

using Palette = std::map<std::string, Colour>;

// The custom properties of `:root` that are plain colours, in the light and in the dark scheme.
Palette palette(std::string_view style) {
  Palette out;
  for (auto at = style.find("--"); at != std::string_view::npos; at = style.find("--", at + 2)) {
    const auto colon = style.find(':', at), end = style.find_first_of(";}", at);
    if (colon >= end) continue;
    std::string value{style.substr(colon + 1, end - colon - 1)};
    std::erase(value, ' ');
    if (value.size() == 4 && value[0] == '#')
      value = std::string{'#', value[1], value[1], value[2], value[2], value[3], value[3]};
    if (const auto colour = parse_colour(value))
      out.emplace(style.substr(at + 2, colon - at - 2), colour.value());
  }
  return out;
}

std::pair<Palette, Palette> schemes(std::string_view style) {
  const auto dark = style.find("prefers-color-scheme");
  const auto end = style.find("\n}\n", dark);
  return {palette(style.substr(0, dark)), palette(style.substr(dark, end - dark))};
}

constexpr const char* surfaces[] = {"ground",   "card",      "sunk",     "good-tint",
                                    "bad-tint", "warn-tint", "busy-tint"};

TEST(Style, EveryTextCanBeReadOnEverySurfaceInBothSchemes) {
  const auto [light, dark] = schemes(resource("style.css"));
  for (const Palette& scheme : {light, dark}) {
    ASSERT_TRUE(scheme.contains("ink") && scheme.contains("busy-tint"));
    for (const char* surface : surfaces)
      for (const char* text : {"ink", "soft"})
        EXPECT_GE(contrast(scheme.at(text), scheme.at(surface)), 4.5) << text << " on " << surface;
    for (const char* look : {"good", "bad", "warn", "busy"}) {
      for (const char* surface : {"ground", "card", "sunk"})
        EXPECT_GE(contrast(scheme.at(look), scheme.at(surface)), 4.5) << look << " on " << surface;
      EXPECT_GE(contrast(scheme.at(look), scheme.at(std::string{look} + "-tint")), 4.5) << look;
      EXPECT_GE(contrast(scheme.at("on-look"), scheme.at(look)), 4.5) << look;
    }
    // The edge of what can be used: 3:1, https://www.w3.org/TR/WCAG22/#non-text-contrast
    for (const char* surface : {"ground", "card", "sunk"})
      EXPECT_GE(contrast(scheme.at("edge"), scheme.at(surface)), 3) << surface;
  }
}

TEST(Brand, ItsColourCanBeReadOnEverySurfaceWhateverItIs) {
  const auto [light, dark] = schemes(resource("style.css"));
  for (const char* colour : {"#ffffff", "#000000", "#ffff00", "#00ff00", "#ff00ff", "#0000ff", "#7f7f7f",
                             "#777777", "#0b5fff", "#ff6600", "#0f6b5c", "#c0ffee"}) {
    const std::string style = brand_style(make_brand("Northwind", colour, std::nullopt).value());
    const auto at = style.find("@media");
    const std::pair<Palette, Palette> brand{palette(style.substr(0, at)), palette(style.substr(at))};
    for (const char* surface : surfaces) {
      EXPECT_GE(contrast(brand.first.at("accent"), light.at(surface)), 4.5) << colour << " on " << surface;
      EXPECT_GE(contrast(brand.second.at("accent"), dark.at(surface)), 4.5)
          << colour << " on dark " << surface;
    }
    for (const Palette& scheme : {brand.first, brand.second})
      EXPECT_GE(contrast(scheme.at("on-accent"), scheme.at("accent")), 4.5) << colour;
  }
}

TEST(Brand, NamesTheSettingThatIsWrong) {
  const auto field_of = [](const Result<Brand>& made) {
    return made.has_error() ? made.error().field : std::string{"none"};
  };
  EXPECT_EQ(field_of(make_brand("", {}, {})), "connect.brand_name");
  EXPECT_EQ(field_of(make_brand(std::string(61, 'x'), {}, {})), "connect.brand_name");
  EXPECT_EQ(field_of(make_brand("a\xE2\x80\xAE", {}, {})), "connect.brand_name");
  EXPECT_EQ(field_of(make_brand("x", "blue", {})), "connect.brand_colour");
  EXPECT_EQ(field_of(make_brand("x", "#fff;}body{display:none", {})), "connect.brand_colour");
  EXPECT_EQ(field_of(make_brand("x", {}, "GIF89a")), "connect.brand_logo_file");
  EXPECT_EQ(field_of(make_brand("x", {}, "<html><svg>")), "connect.brand_logo_file");
  EXPECT_EQ(field_of(make_brand("x", {}, "<svg>" + std::string(logo_bytes_max, ' '))),
            "connect.brand_logo_file");
  EXPECT_EQ(field_of(make_brand("x", {}, "")), "connect.brand_logo_file");
}

TEST(Brand, TellsAnSvgFromAPngByItsContent) {
  EXPECT_EQ(parse_logo("\x89PNG\r\n\x1a\n....").value().content_type, "image/png");
  EXPECT_EQ(parse_logo("\n<?xml version=\"1.0\"?><svg/>").value().content_type, "image/svg+xml");
}

TEST(Brand, ItsMarkHoldsNothingOfTheNameButALetterOrDigit) {
  EXPECT_THAT(brand_mark(make_brand("northwind", "#000000", {}).value()), testing::HasSubstr(">N</text>"));
  for (const char* name : {"<script>", "&amp", "\xD7\x90", "\"x"}) {
    const std::string mark = brand_mark(make_brand(name, {}, {}).value());
    EXPECT_THAT(mark, testing::HasSubstr("<circle"));
    EXPECT_THAT(mark, testing::Not(testing::HasSubstr("<text")));
  }
}

TEST(Assets, AreFoundByTheirNameWithTheHashOfTheirContent) {
  const Assets plain{make_brand("x", "#112233", {}).value()};
  const Assets other{make_brand("x", "#332211", "<svg/>").value()};
  EXPECT_EQ(plain.style().path, other.style().path);
  EXPECT_NE(plain.brand_style().path, other.brand_style().path);
  EXPECT_EQ(plain.logo(), nullptr);
  ASSERT_NE(other.logo(), nullptr);
  for (const auto& asset : other.all()) {
    EXPECT_EQ(other.find(asset.path), &asset);
    EXPECT_TRUE(asset.path.starts_with(asset_prefix));
    EXPECT_FALSE(asset.body.empty());
  }
  EXPECT_EQ(plain.find(other.brand_style().path), nullptr) << "of another content";
  EXPECT_EQ(plain.find("/connect/assets/style.css"), nullptr);
  EXPECT_EQ(plain.find(""), nullptr);
}

TEST(Assets, TakingOutTheAirLeavesEveryRule) {
  const Assets assets{make_brand("x", {}, {}).value()};
  const auto rules = [](std::string_view style) { return std::ranges::count(style, '{'); };
  EXPECT_EQ(rules(assets.style().body) + rules(assets.further_style().body), rules(resource("style.css")));
  EXPECT_THAT(assets.style().body, testing::HasSubstr("body{margin:0 auto;"));
  EXPECT_THAT(assets.further_style().body, testing::HasSubstr("content:\" \";"));
  EXPECT_THAT(assets.style().body, testing::Not(testing::HasSubstr("/*")));
}

}  // namespace
}  // namespace deputy::connect
