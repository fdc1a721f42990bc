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

http::Request request_from(std::optional<std::uint32_t> user) {
  http::Request request;
  request.peer_user_id = user;
  return request;
}

TEST(KeyOfUser, IsItsWorkloads) {
  const WorkloadUsers users{{0, WorkloadName::parse("root-job").value()},
                            {1001, WorkloadName::parse("log-loader").value()}};
  const auto key = key_of_user(request_from(1001), users);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->role, registry::KeyRole::workload);
  EXPECT_EQ(key->workload->text(), "log-loader");
  EXPECT_NE(key->id, key_of_user(request_from(0), users)->id);
  EXPECT_FALSE(key_of_user(request_from(1002), users));
}

TEST(KeyOfUser, IsNothingWithoutTheSocketOrBesideAKey) {
  const WorkloadUsers users{{0, WorkloadName::parse("root-job").value()}};
  EXPECT_FALSE(key_of_user(request_from(std::nullopt), users)) << "over TCP";
  auto with_key = request_from(0);
  with_key.headers.add("Authorization", "nonsense");
  EXPECT_FALSE(key_of_user(with_key, users));
}

}  // namespace
}  // namespace deputy::api
