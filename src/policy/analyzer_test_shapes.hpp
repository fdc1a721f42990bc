#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "policy/analyzer_test_support.hpp"

// Trust policies in short, for the tests of the analyzer: statements to put together, and tables of them with
// their verdict.
namespace deputy::policy {

// In these shapes @ID is the issued external ID, @NEXT that of a rotation, @OTHER another customer's, @BROKER
// the partner's principal.
inline std::string filled(std::string text) {
  const auto replace = [&](std::string_view word, std::string_view with) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + with.size()))
      text.replace(at, word.size(), with);
  };
  replace("@BROKER", "arn:aws:iam::111111111111:role/deputy-broker");
  replace("@ID", issued_id);
  replace("@NEXT", next_id);
  replace("@OTHER", foreign_id);
  return text;
}
inline std::string document_of(const std::string& statements, std::string_view version = "2012-10-17") {
  return filled("{\"Version\":\"" + std::string{version} + "\",\"Statement\":[" + statements + "]}");
}
inline std::string statement(std::string_view effect, const std::string& principal,
                             const std::string& condition,
                             const std::string& action = R"("Action":"sts:AssumeRole")") {
  return "{\"Effect\":\"" + std::string{effect} + "\",\"Principal\":" + principal + "," + action +
         (condition.empty() ? "" : ",\"Condition\":" + condition) + "}";
}
inline const std::string broker = R"({"AWS":"@BROKER"})";
inline const std::string exact = R"({"StringEquals":{"sts:ExternalId":"@ID"}})";
inline std::string allow(const std::string& condition) {
  return statement("Allow", broker, condition);
}
inline std::string deny(const std::string& condition) {
  return statement("Deny", R"("*")", condition);
}
inline std::string good() {
  return allow(exact);
}
inline std::string bare() {
  return allow("");
}

struct Shape {
  std::string name, statements, code;  // the code of a finding that must be there; empty: any
};

inline void expect_all(const std::vector<Shape>& shapes, TrustVerdict verdict,
                       const TrustQuestion& asked = question(), std::string_view version = "2012-10-17") {
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.name);
    const std::string document = document_of(shape.statements, version);
    const TrustAnalysis analysis = analyze(document, asked);
    EXPECT_EQ(to_text(analysis.verdict), to_text(verdict)) << codes_of(analysis);
    EXPECT_TRUE(shape.code.empty() || has_code(analysis, shape.code)) << codes_of(analysis);
    expect_sound(document, asked, analysis);
  }
}

// Those that can be shown have a witness.
inline void expect_unsafe(const std::vector<Shape>& shapes, const TrustQuestion& asked = question()) {
  expect_all(shapes, TrustVerdict::unsafe, asked);
  for (const Shape& shape : shapes) {
    const TrustAnalysis analysis = analyze(document_of(shape.statements), asked);
    EXPECT_EQ(analysis.witness.has_value(), shape.code != "undecided") << shape.name << "\n"
                                                                       << codes_of(analysis);
  }
}

}  // namespace deputy::policy
