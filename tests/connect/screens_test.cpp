#include "connect/html.hpp"
#include "connect/page_source.hpp"
#include "connect/resources.hpp"
#include "connect/sample_views.hpp"
#include "connect/texts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

// What holds for every screen with ordinary values.
namespace deputy::connect {
namespace {

using html::Document;
using html::Element;

const Screens& all_kinds() {
  static const Screens all{samples::northwind()};
  return all;
}
const std::vector<samples::Screen>& gallery() {
  static const std::vector<samples::Screen> all = samples::all_screens(all_kinds());
  return all;
}

TEST(ConnectScreens, AreWellFormed) {
  for (const auto& screen : gallery()) {
    const Document page{screen.html};
    EXPECT_EQ(page.errors(), 0U) << screen.name;
    EXPECT_EQ(screen.html.find("{{"), std::string::npos) << screen.name;
    EXPECT_EQ(screen.html.find("[["), std::string::npos) << screen.name;
  }
}

TEST(ConnectScreens, HaveLandmarksAndOneHeadingOfEachPlace) {
  for (const auto& screen : gallery()) {
    SCOPED_TRACE(screen.name);
    const Document page{screen.html};
    EXPECT_EQ(page.named("html").front()->attribute("lang"), "en");
    for (const char* once : {"title", "header", "main", "footer", "h1"})
      EXPECT_EQ(page.named(once).size(), 1U) << once;
    EXPECT_FALSE(page.named("title").front()->inner_text().empty());
    EXPECT_EQ(page.named("a").front()->attribute("href"), "#main")
        << "the first thing to reach is the way past the head";
    int level = 1;
    page.each([&](const Element& element) {
      const bool heading = element.name.size() == 2 && element.name[0] == 'h' && element.name[1] >= '1' &&
                           element.name[1] <= '6';
      if (!heading) return;
      const int now = element.name[1] - '0';
      if (element.attribute("id") != "asking") EXPECT_LE(now, level + 1) << element.inner_text();
      level = now;
      EXPECT_FALSE(element.inner_text().empty());
    });
  }
}

TEST(ConnectScreens, ReferToWhatIsThere) {
  for (const auto& screen : gallery()) {
    SCOPED_TRACE(screen.name);
    const Document page{screen.html};
    std::set<std::string> ids;
    page.each([&](const Element& element) {
      if (element.has("id"))
        EXPECT_TRUE(ids.insert(element.attribute("id")).second) << element.attribute("id");
    });
    page.each([&](const Element& element) {
      for (const char* name : {"for", "aria-labelledby", "data-copy"})
        if (element.has(name))
          EXPECT_TRUE(ids.contains(element.attribute(name))) << name << "=" << element.attribute(name);
      if (const std::string href = element.attribute("href"); href.starts_with('#'))
        EXPECT_TRUE(ids.contains(href.substr(1))) << href;
      std::string described = element.attribute("aria-describedby");
      while (!described.empty()) {
        const auto end = std::min(described.find(' '), described.size());
        EXPECT_TRUE(ids.contains(described.substr(0, end))) << described;
        described.erase(0, end + 1);
      }
    });
  }
}

TEST(ConnectScreens, EveryFieldHasALabelAndEveryFormItsTokenAndItsConnection) {
  for (const auto& screen : gallery()) {
    SCOPED_TRACE(screen.name);
    const Document page{screen.html};
    std::set<std::string> labelled;
    for (const auto* label : page.named("label")) labelled.insert(label->attribute("for"));
    for (const auto* input : page.named("input")) {
      const bool inside = input->parent->name == "label";
      if (input->attribute("type") != "hidden")
        EXPECT_TRUE(inside || labelled.contains(input->attribute("id")));
    }
    for (const auto* form : page.named("form")) {
      EXPECT_EQ(form->attribute("method"), "post");
      EXPECT_TRUE(form->attribute("action").starts_with("/connect/cse_aaaabbbbccccddddeeeeffff/"))
          << form->attribute("action");
      int tokens = 0;
      for (const auto& child : form->children)
        tokens += child->attribute("name") == "csrf" && child->attribute("value") == "q8Zt0Yk2b6w1";
      EXPECT_EQ(tokens, 1);
      int shown = 0;
      for (const auto& child : form->children)
        shown += child->attribute("name") == "connection" &&
                 child->attribute("value") == "con_gggghhhhiiiijjjjkkkkllll";
      const std::string action = form->attribute("action");
      EXPECT_EQ(shown, action.ends_with("/choose") || action.ends_with("/again") ? 0 : 1) << action;
    }
  }
}

// CloudFormation refuses a stack with a role in it until that box is ticked, a new stack and an updated one.
TEST(ConnectScreens, SayThatTheBoxAboutIamIsToBeTicked) {
  for (const auto& screen : gallery()) {
    if (screen.name != "create-launch" && screen.name != "create-upload" && screen.name != "update") continue;
    EXPECT_THAT(screen.html, testing::HasSubstr("might create IAM resources with custom names"))
        << screen.name;
  }
}

// Who is asking whom, on every step (threat 44).
TEST(ConnectScreens, NameTheTenantAndThePartnerOnEveryStep) {
  for (const auto& screen : gallery()) {
    if (screen.name.starts_with("trouble")) continue;
    const Document page{screen.html};
    ASSERT_EQ(page.named("aside").size(), 1U) << screen.name;
    const std::string asking = page.named("aside").front()->inner_text();
    EXPECT_THAT(asking, testing::HasSubstr("Northwind asks you to connect an AWS account for Acme GmbH."));
    EXPECT_THAT(asking, testing::HasSubstr("create nothing"));
  }
}

TEST(ConnectScreens, LoadNothingFromElsewhere) {
  const std::set<std::string> led_to_by_people{"rel=noreferrer", "rel=noopener noreferrer"};
  for (const auto& screen : gallery()) {
    const Document page{screen.html};
    page.each([&](const Element& element) {
      for (const auto& [name, value] : element.attributes) {
        if (value.find("://") == std::string::npos && !value.starts_with("//")) continue;
        EXPECT_EQ(element.name + " " + name, "a href") << screen.name << " " << value;
        EXPECT_TRUE(led_to_by_people.contains("rel=" + element.attribute("rel")))
            << screen.name << " " << value;
      }
    });
  }
  for (const auto& asset : all_kinds().assets().all()) {
    if (asset.content_type == "image/svg+xml") continue;  // names its namespace
    for (const char* away : {"http:", "https:", "url(", "@import", "//"})
      EXPECT_EQ(asset.body.find(away), std::string::npos) << asset.path << " " << away;
  }
}

// The policy that pages are served with forbids these; a page that needed one would be broken.
TEST(ConnectScreens, HaveNothingInline) {
  for (const auto& screen : gallery()) {
    const Document page{screen.html};
    EXPECT_TRUE(page.named("style").empty());
    for (const auto* script : page.named("script"))
      EXPECT_TRUE(script->has("src") && script->inner_text().empty());
    page.each([&](const Element& element) {
      for (const auto& [name, value] : element.attributes)
        EXPECT_TRUE(name != "style" && !name.starts_with("on")) << screen.name << " " << name << "=" << value;
    });
  }
}

TEST(ConnectScreens, EscapingIsSwitchedOffNowhere) {
  for (const char* page : {"ask", "create", "role", "checks", "connected", "rotate", "update", "disconnect",
                           "disconnected", "trouble"}) {
    const std::string source = page_source(page);
    EXPECT_TRUE(source.starts_with("{{%AUTOESCAPE context=\"HTML\"}}")) << page;
    EXPECT_EQ(source.find("AUTOESCAPE", 20), std::string::npos) << page;
    for (auto at = source.find("{{"); at != std::string::npos; at = source.find("{{", at + 2)) {
      const std::string mark = source.substr(at, source.find("}}", at) - at);
      const auto colon = mark.find(':');
      if (colon != std::string::npos)
        EXPECT_THAT(mark.substr(colon), testing::AnyOf(":u", ":p")) << page << " " << mark;
      EXPECT_EQ(mark.find("{{{"), std::string::npos);
      EXPECT_EQ(mark.find("{{>"), std::string::npos) << "parts are put in before, see page_source.hpp";
    }
  }
}

// Everything that the first screen loads, with a header of ordinary size for each answer and the largest
// logo.
TEST(ConnectScreens, TheFirstIsUnderThirtyKilobytes) {
  constexpr std::size_t headers = 700;
  std::string logo = "<svg xmlns=\"http://www.w3.org/2000/svg\">";
  logo.append(logo_bytes_max - logo.size(), ' ');
  const Screens branded{make_brand("Northwind", "#0f6b5c", logo).value()};
  const std::string html = samples::first_screen(branded).html;
  std::size_t bytes = html.size() + headers;
  int loaded = 0;
  for (const auto& asset : branded.assets().all())
    if (html.find('"' + asset.path + '"') != std::string::npos) {
      bytes += asset.body.size() + headers;
      ++loaded;
    }
  EXPECT_EQ(loaded, 5);
  EXPECT_LT(bytes, 30'000U);
  RecordProperty("bytes", static_cast<int>(bytes));
}

// Said in answer to a script, or filled in before it comes to a screen.
bool stands_beside_the_screens(std::string_view key) {
  return key == "role.verdict" || key.starts_with("time.");
}

// What is to be pasted has as many external IDs as the page says, and access is said to go on only where it
// does.
TEST(ConnectScreens, SayOfARotationWhatIsSo) {
  const std::string in_use = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
                    next = "0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7";
  std::set<std::string> seen;
  for (const auto& screen : gallery()) {
    const bool awaits = screen.name.starts_with("checks-next-") && screen.name != "checks-next-works";
    if (!awaits && !screen.name.starts_with("checks-previous-")) continue;
    SCOPED_TRACE(screen.name);
    seen.insert(screen.name);
    const Document page{screen.html};
    ASSERT_NE(page.by_id("TRUST_POLICY"), nullptr);
    const std::string pasted = page.by_id("TRUST_POLICY")->inner_text();
    EXPECT_EQ(pasted.find(in_use) != std::string::npos, awaits);
    EXPECT_NE(pasted.find(next), std::string::npos);
    EXPECT_EQ(screen.html.find("one of these two external IDs") != std::string::npos, awaits);
    const bool reviewed = screen.name.ends_with("-in-review");
    EXPECT_EQ(screen.html.find("access goes on") != std::string::npos, !reviewed);
    EXPECT_EQ(screen.html.find("nothing uses the role before") != std::string::npos, reviewed);
    EXPECT_EQ(screen.html.find("the connection is suspended") != std::string::npos, !awaits && !reviewed);
    EXPECT_EQ(screen.html.find("5 Dec 2026") != std::string::npos, !awaits) << "until when";
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(ConnectScreens, SayWhenACheckBeginsThatHasNot) {
  for (const auto& screen : gallery()) {
    if (screen.name == "checks-queued") EXPECT_THAT(screen.html, testing::HasSubstr("15:41 UTC"));
    if (screen.name == "checks-running")
      EXPECT_THAT(screen.html, testing::Not(testing::HasSubstr("next check")));
  }
}

// A text that no screen shows is dead, or a state that no sample has.
TEST(ConnectTexts, AreEachShownOnSomeScreen) {
  std::string all;
  for (const auto& screen : gallery()) all += screen.html;
  // The library escapes what comes as a value; a text in a page may keep its apostrophes.
  for (auto at = all.find("&#39;"); at != std::string::npos; at = all.find("&#39;", at))
    all.replace(at, 5, "'");
  for (const auto& [key, text] : texts()) {
    if (stands_beside_the_screens(key)) continue;
    std::string rest = text_as_html(text);
    while (!rest.empty()) {  // the pieces between values
      const auto begin = rest.find("{{");
      std::string piece = rest.substr(0, begin);

      rest.erase(0, begin == std::string::npos ? rest.size() : rest.find("}}", begin) + 2);
      if (piece.starts_with("</bdi>")) piece.erase(0, 6);
      if (piece.ends_with("<bdi>")) piece.resize(piece.size() - 5);
      EXPECT_NE(all.find(piece), std::string::npos) << key << ": " << piece;
    }
  }
}

TEST(ConnectTexts, HaveOneLineEachAndNoKeyTwice) {
  std::set<std::string_view> keys;
  for (const auto& [key, text] : texts()) {
    EXPECT_TRUE(keys.insert(key).second) << key;
    EXPECT_FALSE(text.empty()) << key;
    EXPECT_NE(text.back(), ' ') << key;
  }
  EXPECT_GT(keys.size(), 200U);
}

}  // namespace
}  // namespace deputy::connect
