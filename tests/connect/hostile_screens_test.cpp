#include "connect/display_text.hpp"
#include "connect/html.hpp"
#include "connect/sample_views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ostream>
#include <set>

// Threat 35: every value of every screen, hostile. What a browser makes of the pages is read with an HTML5
// parser.
namespace deputy::connect {
namespace {

using html::Document;
using html::Element;
using samples::Fill;

// Whatever hostile text wants to become carries this word.
constexpr std::string_view mark = "zqhostile";

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

struct Case {
  std::string name;
  std::string text;
  friend void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }
};

constexpr char controls[] = "zqhostile \0\x01\x02\x1b[31m\x7f\xC2\x85 \xE2\x80\xA8 \r\n\t x";

std::vector<Case> hostile_texts() {
  return {
      {"Element",
       "</title></textarea></script></style></noscript><zqhostile>x</zqhostile><img src=x "
       "onerror=zqhostile()>"},
      {"Attribute", "\" onfocus=\"zqhostile()\" autofocus zqhostile=\"' onclick='zqhostile()"},
      {"BareAttribute", "x zqhostile=1 onmouseover=zqhostile()"},
      {"JavascriptAddress", "javascript:zqhostile()"},
      {"HiddenJavascriptAddress", " \tjava\nscript:zqhostile()"},
      {"DataAddress", "data:text/html,<script>zqhostile()</script>"},
      {"ForeignAddress", "//zqhostile.example/x"},
      {"Template",
       "{{TENANT}}{{#STEP}}{{CSRF}}{{/STEP}}{{! zqhostile }}{{%AUTOESCAPE context=\"HTML\"}}{{=<% %>=}}"},
      {"Source", "[[ask.title]][[>icons]]@@ {tenant} *zqhostile* `zqhostile` [[?state.*.note]]"},
      {"Comment", "--><!--zqhostile--><![CDATA[zqhostile]]><?zqhostile ?>"},
      {"Entity", "&lt;zqhostile&gt; &#x3c;zqhostile&#62; &zqhostile;"},
      {"Path", "../../zqhostile?x=1&way=zqhostile#zqhostile"},
      {"Directions",
       "zqhostile \xE2\x80\xAE"
       "lave\xE2\x80\xAC \xE2\x81\xA6x \xE2\x80\x8F \xD8\x9C \xF3\xA0\x81\x81"},
      {"Controls", std::string{controls, sizeof controls - 1}},
      {"BrokenUtf8", "zqhostile \xff\xfe\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82"},
      {"Emoji", "zqhostile " + repeated("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", 1000)},
      {"OneLongWord", "zqhostile" + repeated("W", 5000)},
      {"Empty", ""},
  };
}

Fill filled_with(const std::string& text, bool identifiers_too) {
  const auto hostile = [text](std::string_view) { return text; };
  Fill fill;
  fill.people = hostile;
  if (identifiers_too) fill.identifiers = hostile;
  return fill;
}

const Screens& screens() {
  static const Screens all{samples::northwind()};
  return all;
}

// What the pages are made of, and nothing else ever is.
const std::map<std::string, std::set<std::string>>& allowed_attributes() {
  static const std::map<std::string, std::set<std::string>> allowed{
      {"a", {"class", "href", "rel", "target", "download", "aria-current"}},
      {"aside", {"class", "aria-labelledby"}},
      {"b", {"aria-hidden"}},
      {"bdi", {"dir"}},
      {"body", {}},
      {"button", {"class", "type", "data-copy", "hidden"}},
      {"circle", {"cx", "cy", "r", "class"}},
      {"code", {"id", "dir"}},
      {"dd", {}},
      {"details", {"class"}},
      {"div",
       {"class", "id", "role", "tabindex", "aria-label", "aria-labelledby", "data-live", "data-running"}},
      {"dl", {}},
      {"dt", {}},
      {"footer", {}},
      {"form", {"method", "action", "novalidate", "class"}},
      {"h1", {"id", "data-live"}},
      {"h2", {"id", "class"}},
      {"h3", {}},
      {"head", {}},
      {"header", {"class"}},
      {"html", {"lang"}},
      {"i", {}},
      {"img", {"src", "alt", "width", "height"}},
      {"input",
       {"type", "id", "name", "value", "inputmode", "autocomplete", "autocapitalize", "spellcheck",
        "maxlength", "dir", "aria-describedby", "aria-invalid", "data-verdict"}},
      {"label", {"for", "class"}},
      {"li", {"class", "id"}},
      {"link", {"rel", "href"}},
      {"main", {"id", "class", "tabindex"}},
      {"meta", {"charset", "name", "content", "http-equiv"}},
      {"nav", {"class", "aria-label"}},
      {"noscript", {}},
      {"ol", {"class", "aria-label"}},
      {"p", {"class", "id", "role", "aria-live", "data-copied", "data-selected"}},
      {"path", {"d"}},
      {"pre", {"tabindex", "role", "aria-label"}},
      {"script", {"src", "defer"}},
      {"section", {"class", "aria-labelledby"}},
      {"span", {"class", "aria-current"}},
      {"strong", {}},
      {"summary", {}},
      {"svg", {"class", "aria-hidden", "width", "height"}},
      {"symbol", {"id", "viewBox", "viewbox"}},
      {"table", {}},
      {"tbody", {}},
      {"td", {"colspan", "data-label"}},
      {"th", {"scope"}},
      {"thead", {}},
      {"time", {"datetime"}},
      {"title", {}},
      {"tr", {"class"}},
      {"ul", {"class"}},
      {"use", {"href"}},
  };
  return allowed;
}

std::string unexpected_in(const Document& page) {
  std::string found;
  page.each([&](const Element& element) {
    if (element.is_text()) return;
    const auto allowed = allowed_attributes().find(element.name);
    if (allowed == allowed_attributes().end()) {
      found += "<" + element.name + "> ";
      return;
    }
    for (const auto& [name, value] : element.attributes)
      if (!allowed->second.contains(name)) found += "<" + element.name + " " + name + "=" + value + "> ";
  });
  return found;
}

// An address of this very server, within the connect page; or a link's, by https.
bool is_fine_address(const Element& element, const std::string& name, const std::string& value) {
  const bool local = value.starts_with("/connect/") || value.starts_with("#");
  const bool link = element.name == "a" && name == "href";
  return local || (link && value.starts_with("https://"));
}

class HostileScreensOf : public testing::TestWithParam<Case> {};

TEST_P(HostileScreensOf, InjectNothingWhateverAFieldHolds) {
  const Case& hostile = GetParam();
  for (const bool identifiers_too : {false, true})
    for (const auto& screen : samples::all_screens(screens(), filled_with(hostile.text, identifiers_too))) {
      SCOPED_TRACE(hostile.name + (identifiers_too ? " everywhere, " : " in people's texts, ") + screen.name);
      const Document page{screen.html};
      EXPECT_EQ(unexpected_in(page), "");
      EXPECT_EQ(page.named("script").size(), 1U);
      EXPECT_EQ(page.named("link").size(), screen.name == "ask" ? 3U : 4U);
      page.each([&](const Element& element) {
        for (const char* name : {"href", "src", "action", "data-verdict"})
          if (element.has(name))
            EXPECT_TRUE(is_fine_address(element, name, element.attribute(name)))
                << element.name << " " << name << "=" << element.attribute(name);
      });
    }
}

// The path of an address is the page's own: a value can neither leave it nor add to it.
TEST(HostileScreens, AValueIsOneSegmentOfAnAddress) {
  for (const char* text : {"x/../y?z=1&way=2#top", "..", ".", "", "%2e%2e", "a b"})
    for (const auto& screen : samples::all_screens(screens(), filled_with(text, true))) {
      const Document page{screen.html};
      page.each([&](const Element& element) {
        for (const char* name : {"href", "action", "data-verdict"}) {
          const std::string value = element.attribute(name);
          if (!value.starts_with("/connect/") || value.starts_with("/connect/assets/")) continue;
          EXPECT_TRUE(value == "/connect/invalid" || value.starts_with("/connect/invalid/"))
              << screen.name << " " << value;
        }
      });
    }
}

TEST_P(HostileScreensOf, TurnNoDirectionAndHideNothing) {
  const Case& hostile = GetParam();
  for (const auto& screen : samples::all_screens(screens(), filled_with(hostile.text, true))) {
    std::string without_lines = screen.html;
    std::erase(without_lines, '\n');
    std::erase(without_lines, '\t');
    std::string without_runs;  // one_line joins runs of blanks; a page's own are no concern here
    for (const char c : without_lines)
      if (c != ' ' || without_runs.empty() || without_runs.back() != ' ') without_runs += c;
    if (without_runs.ends_with(' ')) without_runs.pop_back();
    EXPECT_EQ(one_line(without_runs, without_runs.size()), without_runs)
        << hostile.name << ", " << screen.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, HostileScreensOf, testing::ValuesIn(hostile_texts()),
                         [](const auto& info) { return info.param.name; });

// Text with a writing direction of its own must not reorder what stands beside it.
TEST(HostileScreens, AValueIsIsolatedFromWhatStandsBesideIt) {
  const auto is_blank = [](const std::string& text) {
    return text.find_first_not_of(" \n\t") == std::string::npos;
  };
  for (const auto& screen :
       samples::all_screens(screens(), filled_with("zqhostile \xD7\x90\xD7\x91", true))) {
    const Document page{screen.html};
    page.each([&](const Element& element) {
      if (!element.is_text() || element.text.find(mark) == std::string::npos) return;
      const Element& holder = *element.parent;
      if (holder.name == "bdi" || holder.name == "code" || holder.name == "title") return;
      int texts = 0;
      for (const auto& child : holder.children) texts += child->is_text() && !is_blank(child->text);
      EXPECT_EQ(texts, 1) << screen.name << " <" << holder.name << "> " << holder.inner_text();
    });
  }
}

TEST(HostileScreens, ALongTextIsCutInViewAndWholeWhenUnfolded) {
  const std::string name = repeated("\xF0\x9F\x98\x80", 300);
  const std::string html = samples::first_screen(screens(), filled_with(name, false)).html;
  const Document page{html};
  std::string shown;
  const Element* details = nullptr;
  for (const auto* candidate : page.named("details"))
    if (candidate->parent->attribute("class") == "who") details = candidate;
  ASSERT_NE(details, nullptr);
  for (const auto& child : details->children)
    if (child->name == "summary") shown += child->inner_text();
  EXPECT_NE(shown.find("\xF0\x9F\x98\x80"), std::string::npos);
  EXPECT_EQ(shown.find(name), std::string::npos);
  EXPECT_NE(details->inner_text().find(name), std::string::npos);
}

}  // namespace
}  // namespace deputy::connect
