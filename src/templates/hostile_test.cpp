#include "support/source_folder.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <vector>

#include "templates/quoting.hpp"
#include "templates/template.hpp"
#include "templates/test_roles.hpp"

// Hostile names, descriptions and policy texts through every format (threats 26, 35): each format is read
// back by a reader of its own, and what comes out must be what went in, with nothing executed, interpolated
// or resolved on the way.
namespace deputy::templates {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "deputy-templates-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  fs::path operator/(const char* name) const { return path_ / name; }
  fs::path write(const char* name, std::string_view content) const {
    std::ofstream{path_ / name, std::ios::binary} << content;
    return path_ / name;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Ran {
  int status = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return ran;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.output.append(buffer, n);
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

std::string content_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::vector<RoleDescription> all_roles() {
  return {acme_role(), rotating_role(), hostile_role()};
}

// ── CloudFormation, read by PyYAML
// ──────────────────────────────────────────────────────────────────────────────────────────────────

boost::json::value read_yaml(const std::string& yaml) {
  const TemporaryDirectory directory;
  const fs::path file = directory.write("template.yaml", yaml);
  const Ran ran = run("/usr/bin/python3 " + in_source_folder("src/templates/testdata/read_template.py") +
                      " " + file.string());
  EXPECT_EQ(ran.status, 0);
  return boost::json::parse(ran.output);
}

// What CloudFormation would make of a value of the template, in partition `aws`.
boost::json::value resolved(const boost::json::value& value, const boost::json::object& parameters) {
  if (const auto* array = value.if_array()) {
    boost::json::array out;
    for (const auto& element : *array) out.push_back(resolved(element, parameters));
    return out;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return value;
  if (const auto* name = object->if_contains("!Ref")) return parameters.at(name->as_string()).at("Default");
  if (const auto* text = object->if_contains("!Sub")) {
    const std::string filled = replace_all(std::string{text->as_string()}, "${AWS::Partition}", "aws");
    // Every other `${` is escaped, and none is left to be filled in.
    EXPECT_EQ(replace_all(filled, "${!", "").find("${"), std::string::npos) << filled;
    return boost::json::string{replace_all(filled, "${!", "${")};
  }
  boost::json::object out;
  for (const auto& [key, member] : *object) out[key] = resolved(member, parameters);
  return out;
}

TEST(Cloudformation, ReadsBackAsWhatWentIn) {
  for (const RoleDescription& role : all_roles()) {
    const boost::json::value document = read_yaml(cloudformation(role).value());
    const boost::json::object& parameters = document.at("Parameters").as_object();
    const boost::json::value& properties = document.at("Resources").at("Role").at("Properties");
    EXPECT_EQ(resolved(properties.at("AssumeRolePolicyDocument"), parameters),
              boost::json::parse(trust_policy_json(role)));
    EXPECT_EQ(resolved(properties.at("Policies").at(0).at("PolicyDocument"), parameters),
              boost::json::parse(role.policy_json));
    EXPECT_EQ(document.at("Metadata").at("Deputy").at("TenantName").as_string(),
              readable(role.tenant_name, 400));
    EXPECT_EQ(properties.at("Tags").at(1).at("Value").as_string(), tag_value(role.tenant_name));
    EXPECT_THAT(std::string{document.at("Description").as_string()},
                HasSubstr(readable(role.tenant_name, 200)));
    EXPECT_LE(document.at("Description").as_string().size(), 1'024U);
    for (const auto& [sid, reason] : role.reasons) {
      EXPECT_EQ(document.at("Metadata").at("Deputy").at("Reasons").at(readable(sid, 128)).as_string(),
                readable(reason, 400));
    }
    EXPECT_EQ(document.at("Resources").as_object().size(), role.grants_self_read ? 2U : 1U);
  }
}

TEST(Cloudformation, HoldsNoDynamicReferenceOfATenantsMaking) {
  EXPECT_THAT(cloudformation(hostile_role()).value(), Not(HasSubstr("{{")));
}

TEST(Cloudformation, PassesCfnLint) {
  if (run("command -v cfn-lint >/dev/null && cfn-lint --version 2>/dev/null").status != 0)
    GTEST_SKIP() << "cfn-lint is not installed";
  const TemporaryDirectory directory;
  std::string files;
  int number = 0;
  std::vector<RoleDescription> roles = all_roles();
  roles.back().policy_json = acme_role().policy_json;  // its odd condition is unknown to the linter
  for (const RoleDescription& role : roles) {
    const std::string name = "role-" + std::to_string(number++) + ".yaml";
    files += " " + directory.write(name.c_str(), cloudformation(role).value()).string();
  }
  const Ran ran = run("cfn-lint --" + files + " 2>&1");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

// ── The shell script, run with an `aws` that writes down its arguments
// ──────────────────────────────────────────────────────────────

constexpr std::string_view fake_aws = R"(#!/bin/sh
for argument; do printf '%s\0' "$argument"; done >> "$RECORD"
printf '\036\0' >> "$RECORD"
case "$1 $2 $*" in
  "sts get-caller-identity "*) echo "$IDENTITY" ;;
  "iam get-role "*Role.Tags*) if [ -n "${MADE_FOR:-}" ]; then echo "$MADE_FOR"; else exit 254; fi ;;
  "iam get-role "*) echo "arn:aws:iam::444455556666:role/given" ;;
esac
)";

using Arguments = std::vector<std::string>;

struct ScriptRun {
  Ran ran;
  std::vector<Arguments> calls;
  bool something_executed = false;
  std::string last_of(std::string_view action, std::string_view option) const {
    std::string found;
    for (const Arguments& call : calls) {
      if (call.size() < 2 || call[1] != action) continue;
      for (std::size_t i = 2; i + 1 < call.size(); ++i) {
        if (call[i] == option) found = call[i + 1];
      }
    }
    return found;
  }
  int count(std::string_view action) const {
    int calls_of_it = 0;
    for (const Arguments& call : calls) calls_of_it += call.size() > 1 && call[1] == action ? 1 : 0;
    return calls_of_it;
  }
};

ScriptRun run_script(const RoleDescription& role, const std::string& environment,
                     const std::string& identity = "arn:aws:sts::444455556666:assumed-role/admin/me") {
  const TemporaryDirectory directory;
  const fs::path script = directory.write("role.sh", aws_cli(role).value());
  fs::permissions(directory.write("aws", fake_aws), fs::perms::owner_all);
  const std::string at = directory.path().string();
  ScriptRun result;
  EXPECT_EQ(run("sh -n " + script.string() + " 2>&1").output, "");
  result.ran = run("cd " + at + " && PATH=" + at + ":$PATH RECORD=" + at + "/record IDENTITY=" + identity +
                   " " + environment + " sh role.sh 2>messages");
  Arguments call;
  std::istringstream record{content_of(directory / "record")};
  for (std::string argument; std::getline(record, argument, '\0');) {
    if (argument == "\036") {
      result.calls.push_back(std::exchange(call, {}));
    } else {
      call.push_back(argument);
    }
  }
  result.something_executed = fs::exists(directory / "pwned");
  return result;
}

TEST(AwsCli, MakesTheRoleThatWasDescribed) {
  for (const RoleDescription& role : all_roles()) {
    const ScriptRun script = run_script(role, "");
    EXPECT_EQ(script.ran.status, 0);
    EXPECT_EQ(script.ran.output, "arn:aws:iam::444455556666:role/given\n");
    EXPECT_FALSE(script.something_executed);
    EXPECT_EQ(script.count("create-role"), 1);
    EXPECT_EQ(boost::json::parse(script.last_of("create-role", "--assume-role-policy-document")),
              boost::json::parse(trust_policy_json(role)));
    const boost::json::value tags = boost::json::parse(script.last_of("create-role", "--tags"));
    EXPECT_EQ(tags.at(1).at("Value").as_string(), tag_value(role.tenant_name));
    EXPECT_EQ(script.last_of("create-role", "--max-session-duration"),
              std::to_string(role.session_duration_max.count()));
    // Where a value starts with `file://`, the AWS CLI would read one of the customer's files.
    EXPECT_THAT(script.last_of("create-role", "--description"), StartsWith("Made for "));
    ASSERT_EQ(script.count("put-role-policy"), role.grants_self_read ? 2 : 1);
  }
}

TEST(AwsCli, WritesThePermissionsForTheCustomersPartition) {
  RoleDescription role = hostile_role();
  role.grants_self_read = false;
  role.account.reset();
  const ScriptRun script = run_script(role, "", "arn:aws-cn:iam::444455556666:user/admin");
  EXPECT_FALSE(script.something_executed);
  EXPECT_EQ(boost::json::parse(script.last_of("put-role-policy", "--policy-document")),
            boost::json::parse(replace_all(role.policy_json, "arn:aws:s3", "arn:aws-cn:s3")));
}

TEST(AwsCli, LetsThePartnerReadThisRoleOnlyWhereTheCustomerAgrees) {
  const ScriptRun asked = run_script(acme_role(), "");
  EXPECT_EQ(boost::json::parse(asked.last_of("put-role-policy", "--policy-document"))
                .at("Statement")
                .at(0)
                .at("Resource")
                .as_string(),
            "arn:aws:iam::444455556666:role/given");
  EXPECT_EQ(run_script(acme_role(), "ALLOW_SELF_READ=false").count("put-role-policy"), 1);
}

TEST(AwsCli, MendsTheRoleOfTheSameConnectionOnly) {
  const ScriptRun same = run_script(acme_role(), "MADE_FOR=" + acme_role().connection.text());
  EXPECT_EQ(same.count("create-role"), 0);
  EXPECT_EQ(boost::json::parse(same.last_of("update-assume-role-policy", "--policy-document")),
            boost::json::parse(trust_policy_json(acme_role())));
  const ScriptRun other = run_script(acme_role(), "MADE_FOR=con_zzzzzzzzzzzzzzzzzzzzzzzz");
  EXPECT_EQ(other.count("update-assume-role-policy"), 0);
}

TEST(AwsCli, DoesNothingInAnotherAccount) {
  const ScriptRun script = run_script(acme_role(), "", "arn:aws:iam::999999999999:user/admin");
  EXPECT_EQ(script.ran.status, 1);
  EXPECT_EQ(script.calls.size(), 1U);
}

// ── Terraform, read by a small reader of HCL (terraform itself is not needed to run these tests)
// ────────────────────────────────────

// Reads the expressions that the module uses: strings with `${reference}`, references, numbers, lists,
// objects, jsonencode(…).
class HclReader {
 public:
  HclReader(std::string_view text, const std::map<std::string, std::string>& values)
      : text_(text), values_(values) {}

  boost::json::value expression() {
    skip_space();
    if (at_end()) throw std::runtime_error("an expression is missing");
    if (peek() == '"') return boost::json::string{quoted()};
    if (peek() == '[') return list();
    if (peek() == '{') return object();
    const std::string word = bare_word();
    if (!word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) != 0)
      return boost::json::parse(word);
    return boost::json::string{values_.at(word)};
  }

 private:
  boost::json::value list() {
    boost::json::array out;
    for (next(), skip_space(); peek() != ']'; skip_space()) {
      out.push_back(expression());
      skip_space();
      expect(',');
    }
    next();
    return out;
  }

  boost::json::value object() {
    boost::json::object out;
    for (next(), skip_space(); peek() != '}'; skip_space()) {
      const std::string key = peek() == '"' ? quoted() : bare_word();
      skip_space();
      expect('=');
      if (out.contains(key)) throw std::runtime_error("twice: " + key);
      out[key] = expression();
    }
    next();
    return out;
  }

  std::string quoted() {
    std::string out;
    for (next(); peek() != '"';) {
      const char c = next();
      if (c == '\n') throw std::runtime_error("a string that goes over a line");
      if (c == '\\') {
        escape(out);
      } else if ((c == '$' || c == '%') && peek() == c && ahead(1) == '{') {
        out += c, out += '{', next(), next();
      } else if (c == '$' && peek() == '{') {
        next();
        out += values_.at(bare_word());
        expect('}');
      } else if (c == '%' && peek() == '{') {
        throw std::runtime_error("a template directive");
      } else {
        out += c;
      }
    }
    next();
    return out;
  }

  void escape(std::string& out) {
    const char kind = next();
    if (kind == 'n') {
      out += '\n';
    } else if (kind == '"' || kind == '\\') {
      out += kind;
    } else if (kind == 'u') {
      std::string digits;
      for (int i = 0; i < 4; ++i) digits += next();
      out += std::string{boost::json::parse("\"\\u" + digits + "\"").as_string()};
    } else {
      throw std::runtime_error("an unknown escape");
    }
  }

  std::string bare_word() {
    std::string out;
    while (!at_end() &&
           (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '.' || peek() == '_'))
      out += next();
    if (out.empty()) throw std::runtime_error("not a word at " + std::string{text_.substr(position_, 20)});
    return out;
  }

  void skip_space() {
    while (!at_end() && (std::isspace(static_cast<unsigned char>(peek())) != 0 || peek() == '#')) {
      if (peek() == '#') {
        while (!at_end() && peek() != '\n') next();
      } else {
        next();
      }
    }
  }
  void expect(char wanted) {
    if (next() != wanted) throw std::runtime_error(std::string{"wanted "} + wanted);
  }
  bool at_end() const { return position_ >= text_.size(); }
  char ahead(std::size_t n) const { return position_ + n < text_.size() ? text_[position_ + n] : '\0'; }
  char peek() const {
    if (at_end()) throw std::runtime_error("the text ends early");
    return text_[position_];
  }
  char next() {
    const char c = peek();
    ++position_;
    return c;
  }

  std::string_view text_;
  const std::map<std::string, std::string>& values_;
  std::size_t position_ = 0;
};

boost::json::value hcl_value(const std::string& module, std::string_view after, const RoleDescription& role,
                             std::string_view block = "") {
  const std::map<std::string, std::string> values{
      {"data.aws_partition.current.partition", "aws"},
      {"var.external_id", role.trust.external_id.text()},
      {"var.next_external_id", role.trust.next_external_id ? role.trust.next_external_id->text() : ""},
      {"var.partner_principal", role.trust.partner_principal.text()},
      {"aws_iam_role.this.arn", "arn:aws:iam::444455556666:role/given"}};
  const std::size_t start = module.find(after, module.find(block));
  EXPECT_NE(start, std::string::npos) << after;
  return HclReader{std::string_view{module}.substr(start + after.size()), values}.expression();
}

TEST(Terraform, ReadsBackAsWhatWentIn) {
  for (const RoleDescription& role : all_roles()) {
    const std::string module = terraform(role).value();
    EXPECT_EQ(hcl_value(module, "assume_role_policy = jsonencode(", role),
              boost::json::parse(trust_policy_json(role)));
    EXPECT_EQ(hcl_value(module, "policy = jsonencode(", role, "\"permissions\""),
              boost::json::parse(role.policy_json));
    EXPECT_EQ(hcl_value(module, "tags = ", role).at("deputy:tenant-name").as_string(),
              tag_value(role.tenant_name));
    EXPECT_EQ(
        hcl_value(module, "description          = ", role, "\"aws_iam_role\"").as_string().subview(0, 9),
        "Made for ");
    if (role.grants_self_read) {
      EXPECT_EQ(hcl_value(module, "policy = jsonencode(", role, "\"self_read\"")
                    .at("Statement")
                    .at(0)
                    .at("Resource")
                    .as_string(),
                "arn:aws:iam::444455556666:role/given");
    }
  }
}

TEST(Terraform, BalancesItsBracesOutsideStringsAndComments) {
  for (const RoleDescription& role : all_roles()) {
    int depth = 0;
    bool in_string = false;
    bool in_comment = false;
    const std::string module = terraform(role).value();
    for (std::size_t i = 0; i < module.size(); ++i) {
      const char c = module[i];
      if (in_comment) {
        in_comment = c != '\n';
      } else if (in_string) {
        if (c == '\\') ++i;
        in_string = c != '"';
      } else if (c == '"' || c == '#') {
        in_string = c == '"', in_comment = c == '#';
      } else if (c == '{' || c == '}') {
        depth += c == '{' ? 1 : -1;
      }
      ASSERT_GE(depth, 0);
    }
    EXPECT_EQ(depth, 0);
    EXPECT_FALSE(in_string);
  }
}

}  // namespace
}  // namespace deputy::templates
