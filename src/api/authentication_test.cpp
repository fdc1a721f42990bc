#include "api/authentication.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

std::string key_in(std::initializer_list<std::string> fields, KeyForm form = KeyForm::bearer) {
  http::Headers headers;
  for (const std::string& value : fields) headers.add("authorization", value);
  const auto key = presented_key(headers, form);
  if (!key.has_error()) return std::string{key.value().reveal()};
  EXPECT_EQ(key.error().kind, ErrorKind::unauthorized);
  return "refused";
}

TEST(PresentedKey, IsABearerToken) {
  EXPECT_EQ(key_in({"Bearer dpk_admin_a"}), "dpk_admin_a");
  EXPECT_EQ(key_in({"bEARER   dpk_admin_a "}), "dpk_admin_a");
}

TEST(PresentedKey, IsRefusedInOtherForms) {
  for (const char* value : {"", " ", "Bearer", "Bearer ", "Basic dpk_admin_a", "dpk_admin_a", "Bearer a b",
                            "Bearer k\xc3\xa4y", "Bearer a\x01", "Bearerdpk_admin_a"})
    EXPECT_EQ(key_in({value}), "refused") << value;
  EXPECT_EQ(key_in({"Bearer " + std::string(257, 'a')}), "refused");
  EXPECT_EQ(key_in({}), "refused");
}

// Two fields: which one counts would differ between a proxy and us.
TEST(PresentedKey, StandsThereOnce) {
  EXPECT_EQ(key_in({"Bearer a", "Bearer a"}), "refused");
}

TEST(PresentedKey, MayBeBareForSdks) {
  EXPECT_EQ(key_in({"dpk_workload_a"}, KeyForm::bearer_or_bare), "dpk_workload_a");
  EXPECT_EQ(key_in({"dpk_workload_a\n"}, KeyForm::bearer_or_bare), "dpk_workload_a");
  EXPECT_EQ(key_in({"Bearer dpk_workload_a"}, KeyForm::bearer_or_bare), "dpk_workload_a");
  EXPECT_EQ(key_in({"Basic dpk_workload_a"}, KeyForm::bearer_or_bare), "refused");
}

}  // namespace
}  // namespace deputy::api
