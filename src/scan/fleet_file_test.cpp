#include "scan/fleet_file.hpp"

#include "scan/safe_text.hpp"

#include <gmock/gmock.h>

namespace deputy::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File file_of(const std::string& text) {
  File file{std::tmpfile()};
  std::fwrite(text.data(), 1, text.size(), file.get());
  EXPECT_EQ(std::fseek(file.get(), 0, SEEK_SET), 0);
  return file;
}

// Every record's fields joined with `|`, or the error at the end.
std::vector<std::string> records_of(const std::string& text) {
  const File file = file_of(text);
  CsvReader reader{file.get()};
  std::vector<std::string> records;
  for (;;) {
    const auto record = reader.next();
    if (record.has_error()) {
      records.push_back("error: " + record.error().message);
      return records;
    }
    if (!record.value()) return records;
    std::string joined = std::to_string(record.value()->line);
    for (const std::string& field : record.value()->fields) joined += "|" + field;
    records.push_back(joined);
  }
}

TEST(CsvReader, ReadsWhatRfc4180Writes) {
  EXPECT_THAT(records_of("a,b\nc,d\n"), ElementsAre("1|a|b", "2|c|d"));
  EXPECT_THAT(records_of("a,b\r\nc,d"), ElementsAre("1|a|b", "2|c|d"));
  EXPECT_THAT(records_of("\"a,1\",\"b \"\"c\"\"\"\n"), ElementsAre("1|a,1|b \"c\""));
  EXPECT_THAT(records_of("\"a\r\nb\",c\nd,e\n"), ElementsAre("1|a\r\nb|c", "3|d|e"));
  EXPECT_THAT(records_of(",\n"), ElementsAre("1||"));
  EXPECT_THAT(records_of("\"\",\"\"\n"), ElementsAre("1||"));
  EXPECT_THAT(records_of("a\rb,c\n"), ElementsAre("1|a\rb|c"));
  EXPECT_THAT(records_of(""), IsEmpty());
}

TEST(CsvReader, SkipsAByteOrderMarkAndBlankLines) {
  EXPECT_THAT(records_of("\xef\xbb\xbf\"a\",b\n\r\n\nc,d\n\n"), ElementsAre("1|a|b", "4|c|d"));
  EXPECT_THAT(records_of("\xef\xbb\xbf"), IsEmpty());
}

TEST(CsvReader, NamesTheLineOfWhatIsWrong) {
  EXPECT_THAT(records_of("a,b\nc,\"d\n\n"),
              ElementsAre("1|a|b", HasSubstr("line 2: a quote that is never closed")));
  EXPECT_THAT(records_of("a\n\"b\"c\n"),
              ElementsAre("1|a", HasSubstr("line 2: something behind a closing quote")));
  EXPECT_THAT(records_of("a\nb\"c\n"), ElementsAre("1|a", HasSubstr("line 2: a quote within a field")));
  EXPECT_THAT(records_of(std::string("a\nb\0c\n", 6)), ElementsAre("1|a", HasSubstr("line 2: a NUL byte")));
  EXPECT_THAT(records_of(std::string(100, ',')), ElementsAre(HasSubstr("more than 64 fields")));
}

TEST(CsvReader, ALineOfAMegabyteIsRefusedAndNotKept) {
  const std::string million(1'000'000, 'x');
  EXPECT_THAT(records_of("a,b\n" + million + ",c\n"),
              ElementsAre("1|a|b", HasSubstr("line 2: longer than 16384 bytes")));
  EXPECT_THAT(records_of("a,b\n\"" + million),
              ElementsAre("1|a|b", HasSubstr("line 2: longer than 16384 bytes")));
}

TEST(CsvReader, ALineEndAcrossItsBufferIsOne) {
  for (std::size_t length = 65'530; length < 65'542; ++length) {
    std::string text;
    while (text.size() + 1002 < length) text += std::string(1000, 'y') + "\n";
    text += std::string(length - text.size(), 'x') + "\r\n\"last\"\r\n";
    const auto records = records_of(text);
    EXPECT_THAT(records.back(), ::testing::EndsWith("|last")) << length;
    EXPECT_THAT(records[records.size() - 2], ::testing::EndsWith("x")) << length;
  }
}

constexpr const char* header = "name,role_arn,external_id\n";
std::string row(const std::string& name, const std::string& role = "a", const std::string& id = "id-1") {
  return name + ",arn:aws:iam::222222222222:role/" + role + "," + id + "\n";
}
Result<Survey> survey_of(const std::string& text, std::optional<Partition> partition = std::nullopt) {
  const File file = file_of(text);
  return survey(file.get(), partition);
}

TEST(Fleet, ReadsRowsUnderAnyOrderOfColumns) {
  const File file =
      file_of("external_id,note,role_arn, name\nid-1,x,arn:aws:iam::222222222222:role/a,Acme\n");
  auto reader = FleetReader::open(file.get());
  ASSERT_TRUE(reader);
  const auto read = reader.value().next();
  ASSERT_TRUE(read && read.value());
  EXPECT_EQ(read.value()->name, "Acme");
  EXPECT_EQ(read.value()->role_arn.text(), "arn:aws:iam::222222222222:role/a");
  EXPECT_EQ(read.value()->external_id.text(), "id-1");
  EXPECT_EQ(read.value()->line, 2U);
}

TEST(Fleet, WantsItsHeader) {
  EXPECT_THAT(survey_of("").error().message, HasSubstr("the file is empty"));
  EXPECT_THAT(survey_of(row("Acme")).error().message, HasSubstr("line 1: no column `name`"));
  EXPECT_THAT(survey_of("name,role_arn,external_id,name\n").error().message,
              HasSubstr("the column `name` twice"));
}

TEST(Fleet, TellsEveryBadRowWithItsLine) {
  const auto made = survey_of(std::string{header} + row("A") + "B,not-an-arn,id\n" +
                              "C,arn:aws:iam::222222222222:role/a,\n" + "D,too,few,fields\n" +
                              row("E", "b", "a b") + row(std::string(257, 'x')));
  ASSERT_TRUE(made);
  EXPECT_EQ(made.value().rows, 1U);
  EXPECT_EQ(made.value().problem_count, 5U);
  EXPECT_THAT(made.value().problems, ElementsAre(HasSubstr("line 3: "), HasSubstr("line 4: no external ID"),
                                                 HasSubstr("line 5: 4 fields"), HasSubstr("line 6: "),
                                                 HasSubstr("line 7: the name is longer")));
}

TEST(Fleet, ListsTheFirstProblemsAndCountsTheRest) {
  std::string text = header;
  for (int i = 0; i < 50; ++i) text += "B,not-an-arn,id\n";
  const auto made = survey_of(text);
  EXPECT_EQ(made.value().problem_count, 50U);
  EXPECT_EQ(made.value().problems.size(), Survey::listed_max);
}

TEST(Fleet, TakesEveryExternalIdThatStsTakes) {
  EXPECT_EQ(survey_of(std::string{header} + row("A", "a", "Customer-42/eu:x@y=z") +
                      row("B", "b", std::string(1224, 'x')))
                .value()
                .problem_count,
            0U);
}

TEST(Fleet, TellsRepeatedRowsAndSharedIds) {
  const auto made = survey_of(std::string{header} + row("A") + row("B", "b", "id-2") + row("A") +
                              row("C", "c", "id-2") + row("B", "d", "id-2"));
  EXPECT_THAT(made.value().notes,
              ::testing::UnorderedElementsAre(
                  HasSubstr("line 4 repeats the role and the external ID of line 2"),
                  HasSubstr("lines 3 and 5 have the same external ID under different names")));
}

TEST(Fleet, OneCustomersRolesMayShareAnId) {
  EXPECT_EQ(survey_of(std::string{header} + row("A", "a") + row("A", "b")).value().note_count, 0U);
}

TEST(Fleet, RolesOfAnotherPartitionAreProblems) {
  const std::string china = "B,arn:aws-cn:iam::222222222222:role/a,id-2\n";
  EXPECT_EQ(survey_of(std::string{header} + row("A") + china).value().problem_count, 1U);
  EXPECT_EQ(survey_of(header + china).value().partition, Partition::aws_cn);
  EXPECT_EQ(survey_of(header + china, Partition::aws).value().problem_count, 1U);
}

TEST(Fleet, TheHashIsOfTheWholeFile) {
  const std::string text = header + row("A");
  EXPECT_EQ(survey_of(text).value().sha256, survey_of(text).value().sha256);
  EXPECT_NE(survey_of(text).value().sha256, survey_of(text + "\n").value().sha256);
}

TEST(SafeText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(for_terminal("Acme & Söhne 東京"), "Acme & Söhne 東京");
  EXPECT_EQ(for_terminal("a\x1b[2Jb\r\n\x7f"), "a\\x1b[2Jb\\x0d\\x0a\\x7f");
  EXPECT_EQ(for_terminal("\xc2\x9b"
                         "31m"),
            "\\u{9b}31m");
  EXPECT_EQ(for_terminal("a\xe2\x80\xae"
                         "b"),
            "a\\u{202e}b");
  EXPECT_EQ(for_terminal("a\xff\xc0\x80"), "a\\xff\\xc0\\x80");
  EXPECT_EQ(for_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(SafeText, AFormulaIsNoneInASpreadsheet) {
  const std::string full_width = std::string{"\xef\xbc\x9d"} + "1";
  for (const std::string& formula :
       std::vector<std::string>{"=1+1", "+1", "-1", "@SUM(A1)", "  =1", full_width})
    EXPECT_EQ(for_csv(formula), "\"'" + formula + "\"") << formula;
  EXPECT_EQ(for_csv("\t=1"), "\\x09=1");
  EXPECT_EQ(for_csv("a=1"), "a=1");
  EXPECT_EQ(for_csv("a \"b\", c"), "\"a \"\"b\"\", c\"");
  EXPECT_EQ(for_csv("arn:aws:iam::222222222222:role/a"), "arn:aws:iam::222222222222:role/a");
}

TEST(SafeText, JsonIsValidUtf8) {
  EXPECT_EQ(for_json("a\xff"
                     "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(for_json("東京"), "東京");
}

}  // namespace
}  // namespace deputy::scan
