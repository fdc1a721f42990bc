#include "api/operator_page.hpp"

namespace deputy::api {
namespace {

void write_link(Html& html, std::string_view href, std::string_view title, std::string_view about) {
  html.open("li").open("a", {{"href", href}, {"class", "go"}}).element("strong", title);
  html.element("span", about).close().close();
}

void write_standing(Html& html, const Standing& standing) {
  const bool ready = !standing.trouble;
  html.open("section", {{"class", "card"}, {"aria-labelledby", "standing"}});
  html.element("h2", "How it fares", {{"id", "standing"}});
  html.open("p", {{"class", ready ? "state good" : "state bad"}})
      .element("strong", ready ? "Ready" : "Not ready");
  if (!ready) html.text(": " + *standing.trouble);
  html.close();
  html.open("dl");
  html.open("div").element("dt", "Version").element("dd", standing.version).close();
  html.open("div").element("dt", "For a balancer").open("dd");
  html.element("a", "/healthz", {{"href", "/healthz"}}).text(" (the process lives), ");
  html.element("a", "/readyz", {{"href", "/readyz"}}).text(" (it can do its work)").close().close();
  html.close().close();
}

}  // namespace

OperatorPage::OperatorPage(std::string_view title) {
  html_.open("html", {{"lang", "en"}}).open("head");
  html_.lone("meta", {{"charset", "utf-8"}});
  html_.lone("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html_.lone("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html_.lone("meta", {{"name", "robots"}, {"content", "noindex"}});
  html_.element("title", title);
  html_.lone("link", {{"rel", "icon"}, {"href", "/docs/icon.svg"}});
  html_.lone("link", {{"rel", "stylesheet"}, {"href", "/docs/style.css"}});
  html_.close().open("body");
  html_.element("a", "Skip to the content", {{"href", "#main"}, {"class", "skip"}});
  html_.open("header", {{"class", "top"}}).open("p", {{"class", "brand"}});
  html_.lone("img", {{"src", "/docs/icon.svg"}, {"alt", ""}, {"width", "32"}, {"height", "32"}});
  html_.text("Deputy").close().open("nav", {{"aria-label", "Pages"}});
  html_.element("a", "Overview", {{"href", "/"}});
  html_.element("a", "API reference", {{"href", "/docs"}}).close().close();
}

std::string OperatorPage::take() {
  html_.close().close();
  return "<!doctype html>\n" + html_.take();
}

std::string front_page(const Standing& standing) {
  OperatorPage page{"Deputy"};
  Html& html = page.html();
  html.open("main", {{"id", "main"}});
  html.element("h1", "Access to your customers' AWS accounts, done right");
  html.element(
      "p",
      "Deputy issues the external ID that each customer's role must ask for, proves that the role refuses "
      "everybody without it, and hands your workloads short-lived credentials, for one customer at a time.",
      {{"class", "lead"}});
  write_standing(html, standing);
  html.open("section", {{"aria-labelledby", "on"}}).element("h2", "Where to go on", {{"id", "on"}});
  html.open("ul", {{"class", "links"}});
  write_link(html, "/docs", "API reference", "Every operation, object and code, with a line of curl to try.");
  write_link(html, "/openapi.json", "openapi.json", "The same for programs: OpenAPI 3.1.");
  write_link(html, "/metrics", "Metrics", "For Prometheus. No tenant is named in them.");
  html.close().close();
  html.open("section", {{"class", "card"}, {"aria-labelledby", "first"}});
  html.element("h2", "The first customer", {{"id", "first"}});
  html.element("pre",
               "export DEPUTY_URL=… DEPUTY_KEY=dpk_admin_…      # the key that deputy init printed\n"
               "deputy integration create log-reader --policy policy.json --reasons reasons.json\n"
               "deputy tenant create --name Acme\n"
               "deputy connection create --tenant ten_… --integration log-reader",
               {{"tabindex", "0"}, {"role", "group"}, {"aria-label", "The first commands"}});
  html.open("p", {{"class", "soft"}});
  html.text(
      "The guides come with the source, in its folder docs: real-aws.md gives Deputy an identity of yours, "
      "configuration.md has every setting, workloads.md the ways to credentials, metrics.md what to watch.");
  html.close().close().close();
  return page.take();
}

}  // namespace deputy::api
