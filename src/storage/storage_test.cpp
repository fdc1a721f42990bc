#include <array>
#include <gtest/gtest.h>

#include "storage/cursor.hpp"
#include "storage/encoding.hpp"
#include "storage/inventory.hpp"
#include "storage/sealing.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy::storage {
namespace {

constexpr SealedPlace place{
    .table = "connections", .column = "role_arn", .row = "con_a", .connection = "con_a", .tenant = "ten_a"};

Sealer sealer(char fill = 's') {
  return Sealer{SecretString{std::string(32, fill)}};
}

// Threat 39: a sealed value opens in its own place alone.
TEST(Sealer, OpensInItsOwnPlaceAlone) {
  const Blob sealed = sealer().seal("arn:aws:iam::111122223333:role/x", place);
  ASSERT_TRUE(sealer().open(sealed, place));
  EXPECT_EQ(sealer().open(sealed, place).value(), "arn:aws:iam::111122223333:role/x");
  std::array<SealedPlace, 6> others{place, place, place, place, place, place};
  others[0].table = "verifications";
  others[1].column = "external_id";
  others[2].row = "con_b";
  others[3].connection = "con_b";
  others[4].tenant = "ten_b";
  others[5].row = "con_acon_a", others[5].connection = "";  // the border between two parts moved
  for (const SealedPlace& other : others) EXPECT_FALSE(sealer().open(sealed, other));
  EXPECT_FALSE(sealer('x').open(sealed, place));
}

TEST(Sealer, NoticesEveryChangedByte) {
  const Blob sealed = sealer().seal("secret", place);
  for (std::size_t i = 0; i < sealed.bytes.size(); ++i) {
    Blob edited = sealed;
    edited.bytes[i] = static_cast<char>(edited.bytes[i] ^ 1);
    EXPECT_FALSE(sealer().open(edited, place)) << i;
    EXPECT_FALSE(sealer().open(Blob{sealed.bytes.substr(0, i)}, place)) << i;
  }
}

TEST(Sealer, NeverSealsTheSameTwiceAlike) {
  EXPECT_NE(sealer().seal("same", place), sealer().seal("same", place));
  EXPECT_EQ(sealer().open(sealer().seal("", place), place).value(), "");
}

TEST(Encoding, TellsDifferentInputsApart) {
  EXPECT_NE(encoded({"ab", "c"}), encoded({"a", "bc"}));
  EXPECT_NE(encoded({"a"}), encoded({"a", ""}));
  std::string number, text, blob, null;
  put_value(number, std::int64_t{0});
  put_value(text, std::string{});
  put_value(blob, Blob{});
  put_value(null, Value{});
  EXPECT_NE(text, blob);
  EXPECT_NE(null, text);
  EXPECT_NE(number, text);
}

TEST(TableDigest, ForgetsWhatWasRemovedInAnyOrder) {
  const KeyedHash hash{SecretString{std::string(32, 'd')}};
  TableDigest a, b;
  for (int i = 0; i < 100; ++i) a.add(hash, Blob{std::to_string(i)});
  for (int i = 99; i >= 0; --i) b.add(hash, Blob{std::to_string(i)});
  EXPECT_EQ(a, b);
  for (int i = 0; i < 100; i += 2) a.remove(hash, Blob{std::to_string(i)});
  EXPECT_NE(a, b);
  for (int i = 98; i >= 0; i -= 2) b.remove(hash, Blob{std::to_string(i)});
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.rows(), 50U);
  EXPECT_EQ(TableDigest::parse(a.text()), a);
  for (int i = 1; i < 100; i += 2) a.remove(hash, Blob{std::to_string(i)});
  EXPECT_EQ(a, TableDigest{});
  EXPECT_FALSE(TableDigest::parse("short"));
  EXPECT_FALSE(TableDigest::parse(TableDigest{}.text() + "x"));
}

TEST(Cursor, GoesRound) {
  const auto place_again = parse_age_cursor(to_cursor(AgePlace{1'767'225'600'000'000, "con_x"}));
  ASSERT_TRUE(place_again);
  EXPECT_EQ(place_again.value().at, 1'767'225'600'000'000);
  EXPECT_EQ(place_again.value().id, "con_x");
  EXPECT_EQ(parse_number_cursor(to_cursor(std::int64_t{42})).value(), 42);
}

TEST(Cursor, RefusesWhatDeputyDoesNotMake) {
  for (const std::string& text : std::vector<std::string>{
           "", "x", "=", "%00", "5", encode_cursor("-1"), encode_cursor("007"), encode_cursor(" 7"),
           encode_cursor("7 "), encode_cursor("99999999999999999999"), encode_cursor("7") + "=",
           encode_cursor("7") + "\n", std::string(10'000, 'A')}) {
    const auto number = parse_number_cursor(text);
    ASSERT_FALSE(number) << text;
    EXPECT_EQ(number.error().kind, ErrorKind::invalid_request);
    EXPECT_EQ(number.error().field, "cursor");
  }
  EXPECT_FALSE(parse_age_cursor(encode_cursor("7")));
  EXPECT_FALSE(parse_age_cursor(encode_cursor("x con_a")));
}

TEST(SqliteUrl, IsAPath) {
  EXPECT_EQ(parse_sqlite_url("sqlite:deputy.db", "/etc/deputy").value(), "/etc/deputy/deputy.db");
  EXPECT_EQ(parse_sqlite_url("sqlite:/var/lib/d.db", "/etc/deputy").value(), "/var/lib/d.db");
  EXPECT_EQ(parse_sqlite_url("sqlite:../d.db", "/etc/deputy").value(), "/etc/d.db");
  for (const char* url :
       {"", "sqlite:", "deputy.db", "postgresql://x/y", "SQLITE:x", "sqlite://x", " sqlite:x"})
    EXPECT_FALSE(parse_sqlite_url(url, "/")) << url;
}

TEST(SqliteUrl, SaysThatPostgresqlIsNotThereAndRepeatsNoPassword) {
  for (const char* url : {"postgresql://deputy:hunter2@db/deputy", "postgres://deputy:hunter2@db/deputy"}) {
    const std::string told = parse_sqlite_url(url, "/").error().message;
    EXPECT_NE(told.find("PostgreSQL is not in this version"), std::string::npos) << told;
    EXPECT_NE(told.find("`sqlite:deputy.db`"), std::string::npos) << told;
    EXPECT_EQ(told.find("hunter2"), std::string::npos) << told;
  }
}

}  // namespace
}  // namespace deputy::storage
