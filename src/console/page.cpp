#include "console/page.hpp"

#include <fmt/format.h>

#include "aws/sigv4.hpp"

namespace deputy::console {
namespace {

void write_way(Html& html, const Place& place) {
  html.open("nav", {{"aria-label", "Console"}});
  const std::string region = "?region=" + aws::uri_encode(place.region, false);
  html.element("a", "CloudFormation stacks", {{"href", place_of(*place.user, "stacks") + region}});
  html.element("a", "IAM roles", {{"href", place_of(*place.user, "roles") + region}});
  html.element("a", "Be somebody else", {{"href", "/console/"}});
  html.close();
}

}  // namespace

std::string name_of(const sandbox::SignIn& user) {
  return user.account + "." + user.user;
}

std::string title_of(const sandbox::SignIn& user) {
  if (user.account_name.empty()) return fmt::format("{}, {}", user.account, user.user);
  return fmt::format("{} ({}), {}", user.account_name, user.account, user.user);
}

std::string place_of(const sandbox::SignIn& user, std::string_view rest) {
  return fmt::format("{}/as/{}/{}", address, aws::uri_encode(name_of(user), false), rest);
}

Page::Page(const Place& place, std::string_view title) {
  html_.open("html", {{"lang", "en"}}).open("head");
  html_.lone("meta", {{"charset", "utf-8"}});
  html_.lone("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html_.lone("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html_.lone("meta", {{"name", "robots"}, {"content", "noindex"}});
  html_.element("title", fmt::format("{} – sandbox stand-in for the AWS console", title));
  html_.lone("link", {{"rel", "icon"}, {"href", "/console/assets/icon.svg"}});
  html_.lone("link", {{"rel", "stylesheet"}, {"href", "/console/assets/console.css"}});
  html_.element("script", "", {{"src", "/console/assets/console.js"}, {"defer", ""}});
  html_.close().open("body");
  html_.open("header");
  html_.open("p", {{"class", "banner"}});
  html_.element("strong", "Sandbox stand-in for the AWS console").text(" — not AWS. Nothing here is real.");
  html_.close();
  if (place.user) {
    html_.open("p", {{"class", "who"}}).text("You are ");
    html_.element("strong", title_of(*place.user)).text(" in " + place.region).close();
    write_way(html_, place);
  }
  html_.close().open("main", {{"id", "main"}});
  html_.element("h1", title);
}

std::string Page::take() {
  html_.close().close().close();
  return "<!doctype html>\n" + html_.take();
}

void write_problem(Html& html, std::string_view problem) {
  if (!problem.empty()) html.element("p", problem, {{"class", "problem"}, {"role", "alert"}});
}

void write_done(Html& html, std::string_view done) {
  if (!done.empty()) html.element("p", done, {{"class", "done"}, {"role", "status"}});
}

void write_copyable(Html& html, std::string_view id, std::string_view value) {
  html.open("span", {{"class", "copyable"}});
  html.element("code", value, {{"id", id}});
  html.element("button", "Copy", {{"type", "button"}, {"class", "small"}, {"data-copy", id}, {"hidden", ""}});
  html.close();
}

void write_field(Html& html, std::string_view name, std::string_view label, std::string_view value,
                 std::string_view hint) {
  const std::string id = fmt::format("field-{}", name), hint_id = id + "-hint";
  html.open("div", {{"class", "field"}});
  html.element("label", label, {{"for", id}});
  if (!hint.empty()) html.element("p", hint, {{"class", "hint"}, {"id", hint_id}});
  if (hint.empty())
    html.lone("input", {{"id", id}, {"name", name}, {"value", value}, {"autocomplete", "off"}});
  else
    html.lone("input", {{"id", id},
                        {"name", name},
                        {"value", value},
                        {"autocomplete", "off"},
                        {"aria-describedby", hint_id}});
  html.close();
}

void write_hidden(Html& html, std::string_view name, std::string_view value) {
  html.lone("input", {{"type", "hidden"}, {"name", name}, {"value", value}});
}

void write_button(Html& html, std::string_view text, std::string_view style) {
  html.element("button", text, {{"type", "submit"}, {"class", style}});
}

}  // namespace deputy::console
