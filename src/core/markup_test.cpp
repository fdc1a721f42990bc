#include "core/markup.hpp"

#include <gtest/gtest.h>

namespace deputy {
namespace {

TEST(Markup, EscapesWhatEndsATextOrAnAttribute) {
  EXPECT_EQ(in_markup(R"(<script>alert("&'1'")</script>)"),
            "&lt;script&gt;alert(&quot;&amp;&#39;1&#39;&quot;)&lt;/script&gt;");
}

TEST(Markup, KeepsLineEndsAndOtherLanguages) {
  EXPECT_EQ(in_markup("a\r\n\tб🦊"), "a&#13;\n\tб🦊");
}

TEST(Markup, ReplacesWhatXmlCannotCarry) {
  EXPECT_EQ(in_markup(std::string_view{"\0\x1b\x7f", 3}), "\xEF\xBF\xBD\xEF\xBF\xBD\x7f");
}

}  // namespace
}  // namespace deputy
