#include "html/html.hpp"

#include <gtest/gtest.h>

namespace deputy {
namespace {

TEST(Html, EscapesTextAndAttributes) {
  const std::string hostile = R"(<script>alert("&'1'")</script>)";
  Html html;
  html.open("p", {{"title", hostile}}).text(hostile).close();
  EXPECT_EQ(html.take(),
            "<p title=\"&lt;script&gt;alert(&quot;&amp;&#39;1&#39;&quot;)&lt;/script&gt;\">"
            "&lt;script&gt;alert(&quot;&amp;&#39;1&#39;&quot;)&lt;/script&gt;</p>");
}

TEST(Html, NestsElements) {
  Html html;
  html.open("ul").element("li", "a").open("li").lone("input", {{"name", "b"}}).close().close();
  EXPECT_EQ(html.take(), "<ul><li>a</li><li><input name=\"b\"></li></ul>");
}

}  // namespace
}  // namespace deputy
