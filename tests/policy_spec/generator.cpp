#include "policy_spec/generator.hpp"

#include <functional>

namespace deputy::policy_spec {
namespace {

const std::string session_arn = "arn:aws:sts::111111111111:assumed-role/broker/s1";
const std::string role_arn = "arn:aws:iam::111111111111:role/team/broker";
const std::string canonical(64, 'a');

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

class Generator {
 public:
  explicit Generator(Choices& choices) : choices_(choices) {}

  std::string document(Kind kind) {
    // Of odd things one in a whole document, if at all: else none would be taken.
    oddities_left_ = choices_.once_in(12) ? 1 : 0;
    std::string statements;
    const std::size_t count = 1 + choices_.below(3);
    for (std::size_t i = 0; i < count; ++i) statements += (i == 0 ? "" : ",") + statement(kind);
    if (count > 1 || choices_.once_in(2)) statements = "[" + statements + "]";
    std::string out = "{";
    switch (choices_.below(8)) {
      case 0:
        break;
      case 1:
        out += R"("Version":"2008-10-17",)";
        break;
      default:
        out += R"("Version":"2012-10-17",)";
    }
    if (odd()) out += any({R"("Version":"2012-10-18",)", R"("Id":7,)", R"("version":"2012-10-17",)"});
    if (choices_.once_in(10)) out += R"("Id":"an id",)";
    return out + "\"Statement\":" + statements + "}";
  }

  std::string request(Kind kind) {
    std::string context;
    for (const char* key :
         {"k:x", "K:y", "sts:ExternalId", "aws:username", "aws:PrincipalArn", "aws:TagKeys"}) {
      if (choices_.once_in(4)) continue;
      context += (context.empty() ? "" : ",") + quoted(key) + ":" + given_values();
    }
    const std::string action =
        kind == Kind::trust
            ? any({"sts:AssumeRole", "sts:AssumeRole", "STS:assumerole", "sts:TagSession",
                   "sts:SetSourceIdentity", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"})
            : any({"s3:GetObject", "s3:getobject", "s3:PutObject", "iam:GetRole", "sts:AssumeRole",
                   "sts:TagSession"});
    const std::string resource =
        any({"arn:aws:s3:::a/b", "arn:aws:s3:::ab/c/d", "arn:aws:iam::222222222222:role/for-partner",
             "arn:aws:s3:::a/b:c", "arn:aws:s3:::A/\xc3\xa9", "*", "arn:aws:s3", ""});
    return "{\"caller\":" + caller() + ",\"action\":" + quoted(action) + ",\"resource\":" + quoted(resource) +
           ",\"context\":{" + context + "}}";
  }

 private:
  std::string any(const std::vector<const char*>& options) { return options[choices_.below(options.size())]; }
  bool odd() {
    if (oddities_left_ == 0 || !choices_.once_in(6)) return false;
    --oddities_left_;
    return true;
  }
  // One alone, or a list.
  std::string list(const std::function<std::string()>& one, std::size_t at_most = 3) {
    if (odd()) return any({"[]", "7", "null", "[[]]", "{}"});
    if (choices_.once_in(2)) return one();
    std::string out;
    for (std::size_t i = 0, count = 1 + choices_.below(at_most); i < count; ++i)
      out += (i == 0 ? "" : ",") + one();
    return "[" + out + "]";
  }

  std::string statement(Kind kind) {
    std::string out = "{";
    const bool deny = choices_.once_in(3);
    if (choices_.once_in(8)) out += R"("Sid":")" + any({"One", "Two", "3", ""}) + "\",";
    if (odd()) out += any({R"("Sid":"a b",)", R"("Conditions":{},)", R"("effect":"Allow",)", R"("Sid":1,)"});
    if (!odd()) out += deny ? R"("Effect":"Deny",)" : R"("Effect":"Allow",)";
    if (kind == Kind::trust || kind == Kind::resource) {
      const bool spares = kind == Kind::resource && (deny ? choices_.once_in(2) : odd());
      const char* element = spares || odd() ? "\"NotPrincipal\":" : "\"Principal\":";
      if (!odd()) out += element + principals() + ",";
    }
    if (kind != Kind::trust || odd()) {
      out += (choices_.once_in(5) ? "\"NotResource\":" : "\"Resource\":") + list([&] { return resource(); }) +
             ",";
    }
    if (!choices_.once_in(4)) out += "\"Condition\":" + condition() + ",";
    if (odd()) out += R"("NotAction":"sts:*",)";
    return out + (choices_.once_in(5) ? "\"NotAction\":" : "\"Action\":") +
           list([&] { return action(kind); }) + "}";
  }

  std::string action(Kind kind) {
    if (odd()) return quoted(any({"AssumeRole", "sts:", ":x", "sts:Assume Role", "s3:Get${k:x}", "iam:*"}));
    if (kind == Kind::trust) {
      return quoted(any({"sts:AssumeRole", "sts:AssumeRole", "STS:assumerole", "sts:TagSession", "*", "sts:*",
                         "s?s:Assume*", "*:AssumeRole?ith*", "sts:*Identity", "sts:AssumeRoleWithSAML"}));
    }
    return quoted(
        any({"s3:GetObject", "s3:*", "*", "S3:g*t", "s?:?etObject", "iam:*", "sts:AssumeRole", "*:*Role*"}));
  }

  std::string resource() {
    if (odd()) return quoted(any({"", "arn:aws:s3", "a/b", "${k:x}", "arn:aws:s3:::${k:x", "arn:${k:y}:s3"}));
    return quoted(
        any({"*", "*", "arn:aws:s3:::*", "arn:aws:s3:::a/*", "arn:aws:s3:::?/b", "arn:aws:s3:::a/b",
             "arn:*:s3:*:*:a*", "arn:aws:s3:::${k:x}/*", "arn:aws:s3:::${k:x, 'a'}/b", "arn:aws:s3:::a/${*}",
             "arn:aws:iam::222222222222:role/*", "arn:aws:s3:::a/b:?", "arn:aws:s3:::A/?"}));
  }

  std::string principal_of(const std::string& type) {
    if (odd()) {
      return quoted(any({"", "11111111111", "arn:aws:iam::111111111111:*", "arn:aws:iam::111111111111:role/",
                         "arn:aws:iam::111111111111:group/g", "AROA1", "ec2",
                         "arn:aws-x:iam::111111111111:root", "arn:aws:sts::111111111111:assumed-role/broker",
                         "a b.c", "arn:aws:iam:us:111111111111:root"}));
    }
    if (type == "Service") return quoted(any({"ec2.amazonaws.com", "lambda.amazonaws.com"}));
    if (type == "Federated")
      return quoted(any({"accounts.google.com", "arn:aws:iam::222222222222:saml-provider/corp"}));
    if (type == "CanonicalUser") return quoted(choices_.once_in(2) ? canonical : std::string(64, 'b'));
    switch (choices_.below(9)) {
      case 0:
        return quoted(role_arn);
      case 1:
        return quoted(session_arn);
      default:
        return quoted(
            any({"111111111111", "arn:aws:iam::111111111111:root", "222222222222", "999999999999", "*",
                 "arn:aws:iam::111111111111:user/anna", "arn:aws:iam::111111111111:role/broker",
                 "AROAEXAMPLEEXAMPLE01", "AIDAEXAMPLEEXAMPLE02", "AROAEXAMPLEEXAMPLE0",
                 "arn:aws:sts::111111111111:federated-user/fred", "arn:aws-cn:iam::111111111111:root"}));
    }
  }

  std::string principals() {
    if (odd())
      return any({"\"111111111111\"", "{}", "[]", R"({"Aws":"*"})", R"({"aws":"111111111111"})", "\"\""});
    if (choices_.once_in(6)) return "\"*\"";
    std::string out;
    for (const char* type : {"AWS", "AWS", "Service", "Federated", "CanonicalUser"}) {
      const bool first_of_two = std::string{type} == "AWS" && out.empty();
      if (std::string{type} == "AWS" && !first_of_two) continue;
      if (!choices_.once_in(first_of_two ? 1 + choices_.below(2) : 4)) continue;
      out += (out.empty() ? "" : ",") + quoted(type) + ":" + list([&] { return principal_of(type); }, 4);
    }
    return out.empty() ? R"({"AWS":"111111111111"})" : "{" + out + "}";
  }

  std::string condition() {
    if (odd()) return any({"[]", "\"x\"", R"({"StringIs":{"k:x":"a"}})", R"({"stringequals":{"k:x":"a"}})"});
    std::string out;
    std::vector<std::string> used;
    for (std::size_t i = 0, count = choices_.below(3); i < count; ++i) {
      const std::string base = operator_base();
      const std::string name =
          base == "Null" && !odd() ? base : qualifier() + base + (choices_.once_in(4) ? "IfExists" : "");
      bool again = false;
      for (const std::string& other : used) again = again || other == name;
      if (again) continue;  // a duplicate member is no JSON that anybody takes
      used.push_back(name);
      out += (out.empty() ? "" : ",") + quoted(name) + ":" + keys(base);
    }
    return "{" + out + "}";
  }

  std::string keys(const std::string& base) {
    if (odd())
      return any({"{}", "[]", R"({"k":"a"})", R"({"k:x":"a","K:X":"b"})", R"({":x":"a"})", R"({"k:":"a"})"});
    const auto one = [&](const char* key) {
      return quoted(key) + ":" + list([&] { return value_for(base); });
    };
    const std::string first =
        choices_.once_in(3) ? one("sts:externalid") : one(choices_.once_in(2) ? "k:x" : "K:X");
    return "{" + first + (choices_.once_in(4) ? "," + one("k:Y") : "") + "}";
  }

  std::string qualifier() { return any({"", "", "", "ForAllValues:", "ForAnyValue:"}); }
  std::string operator_base() {
    return any({"StringEquals",
                "StringNotEquals",
                "StringEqualsIgnoreCase",
                "StringNotEqualsIgnoreCase",
                "StringLike",
                "StringNotLike",
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals",
                "DateEquals",
                "DateNotEquals",
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals",
                "Bool",
                "BinaryEquals",
                "IpAddress",
                "NotIpAddress",
                "ArnEquals",
                "ArnNotEquals",
                "ArnLike",
                "ArnNotLike",
                "Null",
                "Null",
                "StringEquals",
                "StringLike",
                "StringNotEquals",
                "StringNotLike"});
  }

  // Of the policy. What its operator cannot read stands there only where something odd is wanted.
  std::string value_for(const std::string& base) {
    if (odd())
      return any({"null", "{}", "\"\"", "\"10abc\"", "1e3", "\"${k:y\"", "\"${}\"", "\"${k:y,a}\"",
                  "\"True\"", "7", "true"});
    if (base == "Null") return any({"\"true\"", "\"false\"", "true", "false"});
    if (choices_.once_in(6)) return quoted(variable());
    if (base == "Bool") return any({"\"true\"", "\"false\"", "true", "false"});
    if (base.starts_with("Numeric"))
      return choices_.once_in(4) ? any({"5", "-1.5", "0", "10"}) : quoted(number());
    if (base.starts_with("Date"))
      return choices_.once_in(4) ? any({"1767225600", "0", "86400"}) : quoted(moment());
    if (base.ends_with("IpAddress")) return quoted(block());
    if (base == "BinaryEquals") return quoted(any({"QQ==", "QUI=", "QUJD", "QUJDRA=="}));
    if (base.starts_with("Arn")) return quoted(arn_pattern());
    return quoted(pattern());
  }

  std::string variable() {
    return any({"${k:y}",
                "${K:Y}",
                "${k:y, 'a'}",
                "${k:absent, 'a'}",
                "${k:absent}",
                "${k:absent,'*'}",
                "a${k:y}",
                "${k:y}*",
                "${*}",
                "${?}",
                "${$}",
                "x${k:y}${k:y}",
                "${aws:username}",
                "${k:y , 'a'}",
                "${aws:PrincipalArn}",
                "arn:aws:s3:::${k:y}",
                "${k:y}.0.0.0/8",
                "${k:absent, '5' }",
                "1${k:y}",
                "?${aws:username}?",
                "$${k:y}"});
  }
  std::string pattern() {
    if (choices_.once_in(3)) return any({"a", "A", "ab", "", "*", "5", "true", "10.0.0.1"});
    std::string out;
    for (std::size_t i = 0, count = choices_.below(7); i < count; ++i)
      out += any({"a", "b", "*", "?", "\xc3\xa9", "\n", "*", "a"});
    return out;
  }
  std::string arn_pattern() {
    std::string out = "arn";
    for (std::size_t i = 0; i < 4; ++i) out += any({":", ":aws", ":*", ":?", ":a*"});
    return out + ":" + any({"*", "a", "a:b", "*:b", "role/*", "a?b", ""});
  }
  std::string number() {
    return any({"0", "-0", "5", "+5", "5.0", "05", "5.000000000000000001", "10", "-1", "-1.5",
                "999999999999999999", "0.1", "-0.1", "000000000000000010"});
  }
  std::string moment() {
    if (choices_.once_in(3))
      return any({"0", "1767225600", "86399", "86400", "951782400", "999999999999", "20260101"});
    std::string out =
        any({"1970-01", "2026-01-01", "2000-02-29", "1969-12-31", "2026-01", "0000-01-01", "9999-12-31"});
    if (out.size() == 7) return out;
    return out + any({"", "T00:00Z", "T23:59:59Z", "T00:00:00.5Z", "T01:00:00+01:00", "T00:00:00.000000001Z",
                      "T00:00-14:00", "T10:30:00-00:30"});
  }
  std::string block() {
    if (choices_.once_in(3)) {
      return any({"0.0.0.0/0", "::/0", "::ffff:0:0/96", "::ffff:10.0.0.0/104", "::1", "10.0.0.1",
                  "2001:db8::/32", "::ffff:0:0/95", "255.255.255.255/32", "1:2:3:4:5:6:7::"});
    }
    const bool v6 = choices_.once_in(2);
    return address(v6) + "/" + std::to_string(choices_.below(v6 ? 129 : 33));
  }
  std::string address(bool v6) {
    return v6 ? any({"::", "::1", "2001:db8::1", "2001:DB8:0:0::8000", "ffff::", "::ffff:10.0.0.1",
                     "::10.0.0.1", "1:2:3:4:5:6:7:8"})
              : any({"10.0.0.1", "10.128.0.0", "0.0.0.0", "255.255.255.255", "10.0.1.1"});
  }

  // Of a request: any text may come.
  std::string given() {
    switch (choices_.below(9)) {
      case 0:
        return number();
      case 1:
        return moment();
      case 2:
        return address(choices_.once_in(2));
      case 3:
        return any({"true", "false", "True", "1", "QQ==", "QUI=", "QR==", "QQ="});
      case 4:
        return any({"10abc",
                    "",
                    " 5",
                    "5.",
                    ".5",
                    "1e3",
                    "0x10",
                    "2026",
                    "2026-13-01",
                    "2026-02-29",
                    "2026-01-01T00:00:00",
                    "10.0.0",
                    "10.0.0.01",
                    "10.0.0.0/8",
                    "1:2",
                    ":::",
                    "1::2::3",
                    "::%lo",
                    "12345:: ",
                    "1:2:3:4:5:6:7:8::",
                    "-",
                    "1000000000000000000",
                    "2026-01-01t00:00:00z",
                    "2026-01-01T24:00Z",
                    "+",
                    "1.2.3"});
      case 5: {
        std::string out;
        for (std::size_t i = 0, count = choices_.below(8); i < count; ++i)
          out += any({"a", "b", "\xc3\xa9", "\n", "*", "a"});
        return out;
      }
      case 6: {
        std::string out = "arn";
        for (std::size_t i = 0; i < 4; ++i) out += any({":", ":aws", ":a", ":ab"});
        return out + any({":a", ":a:b", ":role/a", "", ":aab"});
      }
      default:
        return any({"a", "A", "ab", "aa", "", "*", "5", "${k:y}", "role/a", role_arn.c_str(), "10", "x5"});
    }
  }
  std::string given_values() {
    if (!choices_.once_in(4)) return "[" + quoted(given()) + "]";
    if (choices_.once_in(5)) return any({"[\"\"]", "[\"\",\"\"]", "[]"});
    std::string out;
    for (std::size_t i = 0, count = choices_.below(4); i < count; ++i)
      out += (i == 0 ? "" : ",") + quoted(given());
    return "[" + out + "]";
  }

  std::string caller() {
    const std::string known = choices_.once_in(3) ? ",\"canonical_user\":" + quoted(canonical) : "";
    const auto who = [&](const std::string& arn, const std::string& role, const std::string& id) {
      return R"({"account":"111111111111","arn":)" + quoted(arn) +
             (role.empty() ? "" : ",\"role_arn\":" + quoted(role)) +
             (choices_.once_in(5) ? "" : ",\"unique_id\":" + quoted(id)) + known + "}";
    };
    switch (choices_.below(9)) {
      case 0:
        return R"({"service":")" +
               any({"ec2.amazonaws.com", "lambda.amazonaws.com", "ec2.amazonaws.com.cn"}) + "\"}";
      case 1:
      case 2:
        return R"({"federated":")" +
               any({"accounts.google.com", "arn:aws:iam::222222222222:saml-provider/corp", "google.com"}) +
               "\"}";
      case 3:
        return "{}";
      case 4:
        return who("arn:aws:iam::111111111111:root", "", "111111111111");
      case 5:
        return who("arn:aws:iam::111111111111:user/anna", "", "AIDAEXAMPLEEXAMPLE02");
      case 6:
        return who("arn:aws:sts::111111111111:federated-user/fred", "arn:aws:iam::111111111111:user/anna",
                   "111111111111:fred");
      default:
        return who(session_arn, role_arn, "AROAEXAMPLEEXAMPLE01:s1");
    }
  }

  Choices& choices_;
  std::size_t oddities_left_ = 0;
};

}  // namespace

Scene random_scene(Choices& choices, std::size_t requests) {
  Generator generator{choices};
  Scene scene;
  const auto add = [&](Kind kind) { scene.documents.push_back({kind, generator.document(kind)}); };
  const Kind of_resource = choices.once_in(3) ? Kind::resource : Kind::trust;
  if (!choices.once_in(12)) add(of_resource);
  for (std::size_t i = 0, count = choices.below(3); i < count; ++i) add(Kind::identity);
  if (choices.once_in(4)) add(Kind::boundary);
  for (std::size_t i = 0, count = choices.once_in(4) ? 1 + choices.below(2) : 0; i < count; ++i)
    add(Kind::session);
  static constexpr const char* owners[] = {"111111111111", "222222222222", "111111111111", "222222222222",
                                           ""};
  scene.resource_owner = choices.any_of(owners);
  for (std::size_t i = 0; i < requests; ++i) scene.requests.push_back(generator.request(of_resource));
  return scene;
}

std::string random_trust_policy(Choices& choices) {
  return Generator{choices}.document(Kind::trust);
}

}  // namespace deputy::policy_spec
