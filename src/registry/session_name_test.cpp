#include "registry/session_name.hpp"

#include "support/fake_random.hpp"

#include <gtest/gtest.h>
#include <set>

namespace deputy::registry {
namespace {

class ProductionSessionName : public testing::Test {
 protected:
  std::string named(std::string_view workload, std::string_view suffix = {}) {
    return production_session_name(connection, workload, suffix).value().text();
  }
  SeededRandom random;
  ConnectionId connection = ConnectionId::draw(random);
};

TEST_F(ProductionSessionName, CarriesConnectionWorkloadAndSuffix) {
  EXPECT_EQ(named("collector"), connection.text() + "@collector");
  EXPECT_EQ(named("collector", "job-1"), connection.text() + "@collector.job-1");
  EXPECT_EQ(production_session_name(connection, "collector").text(), named("collector"));
}

TEST_F(ProductionSessionName, IsOneWorkloadsAloneHoweverLong) {
  const std::string stem(60, 'w');
  std::set<std::string> names;
  std::size_t asked = 0;
  for (const std::string& workload :
       {stem + "-a", stem + "-b", stem, stem.substr(0, 36), stem.substr(0, 35), stem.substr(0, 25),
        stem.substr(0, 24), stem.substr(0, 13), stem.substr(0, 12), std::string{"w"}})
    for (const std::string_view suffix : {"", "w", "ww", "job-1", "0123456789012345678901"}) {
      const auto name = production_session_name(connection, workload, suffix);
      ASSERT_TRUE(name) << workload << " " << suffix;
      EXPECT_LE(name.value().text().size(), session_name_length_max);
      EXPECT_TRUE(name.value().text().ends_with(suffix));
      names.insert(name.value().text());
      ++asked;
    }
  EXPECT_EQ(names.size(), asked);
}

TEST_F(ProductionSessionName, ASuffixThatLeavesNoRoomIsRefused) {
  EXPECT_EQ(named("ab", std::string(32, 's')).size(), session_name_length_max);
  const auto refused = production_session_name(connection, "collector", std::string(32, 's'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(refused.error().field, "session_name");
  EXPECT_NE(refused.error().message.find("at most 25 characters"), std::string::npos)
      << refused.error().message;
  EXPECT_TRUE(production_session_name(connection, std::string(63, 'w'), std::string(22, 's')));
  EXPECT_FALSE(production_session_name(connection, std::string(63, 'w'), std::string(1'000, 's')));
}

}  // namespace
}  // namespace deputy::registry
