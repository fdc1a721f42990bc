#include "connect/page_source.hpp"

#include "connect/slots.hpp"

#include <ctemplate/template.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

TEST(TextAsHtml, SetsCodeAndStrongAndIsolatesValues) {
  EXPECT_EQ(text_as_html("Run `a & b` for *{tenant}* <now>, {role}."),
            "Run <code>a &amp; b</code> for <strong><bdi>{{TENANT}}</bdi></strong> &lt;now&gt;, "
            "<bdi>{{ROLE}}</bdi>.");
  EXPECT_EQ(text_as_html("`{role_name}`"), "<code>{{ROLE_NAME}}</code>");
}

TEST(TextAsAttribute, IsPlain) {
  EXPECT_EQ(text_as_attribute("Run `a` for *{tenant}* \"x\""), "Run a for {{TENANT}} &quot;x&quot;");
}

TEST(PageSource, IsPutTogetherWhole) {
  const std::string source = page_source("ask");
  EXPECT_EQ(source.find("[["), std::string::npos);
  EXPECT_EQ(source.find("@@"), std::string::npos);
  EXPECT_THAT(source, testing::HasSubstr("<symbol id=\"i-people\""));
  EXPECT_THAT(source, testing::Not(testing::HasSubstr("<symbol id=\"i-failed\"")))
      << "this page shows no such icon";
}

struct Filled {
  ctemplate::TemplateDictionary dictionary{"test"};
  Slots slots{dictionary};
  std::string in(const std::string& source) {
    ctemplate::TemplateCache cache;
    cache.StringToTemplateCache("page", "{{%AUTOESCAPE context=\"HTML\"}}" + source, ctemplate::DO_NOT_STRIP);
    std::string out;
    cache.Freeze();
    EXPECT_TRUE(cache.ExpandNoLoad("page", ctemplate::DO_NOT_STRIP, &dictionary, nullptr, &out));
    return out;
  }
};

TEST(Slots, CleanAndTheLibraryEscapesForThePlace) {
  Filled page;
  page.slots.put("X", "<b>\"\n\xE2\x80\xAE&'");
  EXPECT_EQ(page.in("<p title=\"{{X}}\">{{X}}</p>"),
            "<p title=\"&lt;b&gt;&quot; &amp;&#39;\">&lt;b&gt;&quot; &amp;&#39;</p>");
  page.slots.put_exact("Y", "a\n  <b>\n");
  EXPECT_EQ(page.in("<pre>{{Y:p}}</pre>"), "<pre>a\n  &lt;b&gt;\n</pre>");
}

TEST(Slots, CutLongTextsAndKeepTheWhole) {
  Filled page;
  page.slots.put_long("A", "short");
  page.slots.put_long("B", std::string(200, 'x'));
  const std::string source =
      "{{#A_SHORT}}s{{/A_SHORT}}{{#A_LONG}}l{{/A_LONG}}{{#B_SHORT}}s{{/B_SHORT}}{{#B_LONG}}l{{B_FULL}}{{/"
      "B_LONG}}";
  EXPECT_EQ(page.in(source), "sl" + std::string(200, 'x'));
}

TEST(Slots, SetWhatIsInBackticksAsCode) {
  Filled page;
  page.slots.put_message("M", "the `role/<x>` part is missing");
  const std::string source =
      "{{#M_PIECE}}{{#PLAIN}}[{{PIECE}}]{{/PLAIN}}{{#CODED}}({{PIECE}}){{/CODED}}{{/M_PIECE}}";
  EXPECT_EQ(page.in(source), "[The ](role/&lt;x&gt;)[ part is missing.]");
}

TEST(Slots, TakeOnlyLinksThatLeadToHttpsOrToThisMachine) {
  Filled page;
  for (const char* fine : {"https://app.example/x?y=1#z", "http://127.0.0.1:8181/console",
                           "http://localhost/", "http://[::1]:9/x"})
    EXPECT_TRUE(page.slots.put_link("L", fine)) << fine;
  for (const char* wrong :
       {"", "x", "/x", "//x", "javascript:alert(1)", "http://app.example/", "http://127.0.0.1.example/",
        "http://localhost@x.example/", "https://a b", "https://a\"b", "https://a\nb", "HTTPS://x",
        "data:text/html,x", "https://a<b", "https://\xD7\x90"})
    EXPECT_FALSE(page.slots.put_link("L", wrong)) << wrong;
}

TEST(Slots, TakeOnlyIdentifiersAsSegmentsOfAnAddress) {
  Filled page;
  page.slots.put_segment("S", "cse_abc-123");
  EXPECT_EQ(page.in("<a href=\"/connect/{{S:u}}\">x</a>"), "<a href=\"/connect/cse_abc-123\">x</a>");
  for (const char* wrong : {"", ".", "..", "a/b", "a?b", "a b", "%2e%2e"}) {
    page.slots.put_segment("S", wrong);
    EXPECT_EQ(page.in("<a href=\"/connect/{{S:u}}\">x</a>"), "<a href=\"/connect/invalid\">x</a>") << wrong;
  }
}

}  // namespace
}  // namespace deputy::connect
