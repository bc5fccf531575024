#include "client/cli/table.h"

#include <sstream>
#include <string>
#include <vector>

#include "client/cli/output.h"
#include "fusebox/v1/breaker.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

std::string Written(const Table& table, bool colour = false) {
  std::ostringstream out;
  table.Write(out, colour);
  return out.str();
}

TEST(TableTest, AlignsColumnsAndLeavesNoSpacesAtTheEnd) {
  Table table;
  table.AddRow({"NAME", "STATE"});
  table.AddRow({"db/orders", "OPEN"});
  table.AddRow({"short"});
  EXPECT_EQ(Written(table), "NAME       STATE\ndb/orders  OPEN\nshort\n");
}

TEST(TableTest, CountsColumnsAndNotBytes) {
  Table table;
  table.AddRow({"\xC3\xA9t\xC3\xA9", "x"});
  table.AddRow({"ete", "x"});
  EXPECT_EQ(Written(table), "\xC3\xA9t\xC3\xA9  x\nete  x\n");
}

TEST(TableTest, ColoursTheTextAndNotWhatFillsTheColumn) {
  Table table;
  table.AddRow({{"OPEN", Colour::kRed}, "x"});
  table.AddRow({"HALF_OPEN", "x"});
  EXPECT_EQ(Written(table, /*colour=*/true), "\x1b[31mOPEN\x1b[0m       x\nHALF_OPEN  x\n");
  EXPECT_EQ(Written(table), "OPEN       x\nHALF_OPEN  x\n");
}

TEST(TableTest, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(Printable("\xC2\x9B"), "\\x9b");  // U+009B steers like ESC.
  EXPECT_EQ(Printable("z\xC3\xA4hler"), "z\xC3\xA4hler");
}

// A terminal of Latin-1 obeys them.
TEST(TableTest, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(Printable("\x9B"
                      "31m"),
            "\\x9b31m");
  EXPECT_EQ(Printable("\xC2"), "\\xc2");
  EXPECT_EQ(Printable("\xE2\x9B"
                      "a"),
            "\\xe2\\x9ba");
}

TEST(TableTest, ShowsWhatWouldTurnTheTextRoundOrBeginALine) {
  EXPECT_EQ(Printable("\u202Eflow\u202C"), "\\u202eflow\\u202c");
  EXPECT_EQ(Printable("\u2066\u2069"), "\\u2066\\u2069");
  EXPECT_EQ(Printable("\u2028"), "\\u2028");
}

class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    message_.set_state(v1::STATE_OPEN);
    document_.table = [](bool wide) {
      Table table;
      table.AddRow({wide ? "wide" : "narrow"});
      return table;
    };
  }

  std::string Printed(Format format, const Document& document) {
    std::ostringstream stream;
    Output(stream, format, /*colour=*/true).Print(document);
    return stream.str();
  }

  std::string Printed(Format format, const Step& step) {
    std::ostringstream stream;
    Output(stream, format, /*colour=*/true).Print(step);
    return stream.str();
  }

  v1::RecordResponse message_;
  Document document_{message_, nullptr};
};

TEST_F(OutputTest, PrintsADocumentInEveryForm) {
  document_.names = {"a", "b\n"};
  EXPECT_EQ(Printed(Format::kTable, document_), "narrow\n");
  EXPECT_EQ(Printed(Format::kWide, document_), "wide\n");
  EXPECT_EQ(Printed(Format::kYaml, document_), "state: OPEN\n");
  EXPECT_EQ(Printed(Format::kName, document_), "a\nb\\x0a\n");
  EXPECT_THAT(Printed(Format::kJson, document_), testing::HasSubstr("\"epoch\": \"0\""));
}

TEST_F(OutputTest, PrintsWhatHasNoNameAsATable) {
  EXPECT_EQ(Printed(Format::kName, document_), "narrow\n");
  document_.names.emplace();  // Nothing was found, which is something else.
  EXPECT_EQ(Printed(Format::kName, document_), "");
}

TEST_F(OutputTest, PrintsAStepOfAStreamInEveryForm) {
  const Step step{message_, {"a line"}, "a/name"};
  EXPECT_EQ(Printed(Format::kTable, step), "a line\n");
  EXPECT_EQ(Printed(Format::kWide, step), "a line\n");
  EXPECT_EQ(Printed(Format::kName, step), "a/name\n");
  EXPECT_EQ(Printed(Format::kYaml, step), "---\nstate: OPEN\n");
  const std::string json = Printed(Format::kJson, step);
  EXPECT_EQ(json.find('\n'), json.size() - 1);
}

TEST_F(OutputTest, PrintsNothingOfAStepThatSaysNothingInAForm) {
  const Step step{message_, {}, ""};
  EXPECT_EQ(Printed(Format::kTable, step), "");
  EXPECT_EQ(Printed(Format::kName, step), "");
}

TEST_F(OutputTest, MakesEveryLinePrintable) {
  const Step step{message_, {{"OPEN", Colour::kRed}, " \x1b[2J"}, "a\nb"};
  EXPECT_EQ(Printed(Format::kTable, step), "\x1b[31mOPEN\x1b[0m \\x1b[2J\n");
  EXPECT_EQ(Printed(Format::kName, step), "a\\x0ab\n");
}

// A second of the year 10,000 and later has no text in JSON.
TEST_F(OutputTest, KnowsWhatItCouldNotWrite) {
  google::protobuf::Timestamp far;
  far.set_seconds(253'402'300'800);
  std::ostringstream stream;
  Output out(stream, Format::kJson, /*colour=*/false);
  out.Print(Document{message_, document_.table});
  EXPECT_TRUE(out.ok());
  out.Print(Step{far, {}, ""});
  EXPECT_FALSE(out.ok());
  EXPECT_THAT(std::string(out.fault().message()),
              testing::StartsWith("the answer cannot be written as JSON: "));
}

TEST_F(OutputTest, ColoursOnlyWhatPeopleRead) {
  std::ostringstream stream;
  EXPECT_TRUE(Output(stream, Format::kTable, true).colour());
  EXPECT_FALSE(Output(stream, Format::kTable, false).colour());
  EXPECT_FALSE(Output(stream, Format::kName, true).colour());
  EXPECT_FALSE(Output(stream, Format::kJson, true).for_people());
}

TEST(TextTest, DurationsHaveNoMoreDigitsThanMatter) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0s");
  EXPECT_EQ(DurationText(absl::Nanoseconds(123'456)), "123us");
  EXPECT_EQ(DurationText(absl::Microseconds(12'345)), "12ms");
  EXPECT_EQ(DurationText(absl::Milliseconds(29'567)), "29.5s");
  EXPECT_EQ(DurationText(absl::Milliseconds(90'500)), "1m30s");
  EXPECT_EQ(DurationText(absl::Hours(30) + absl::Seconds(61)), "30h1m");
  EXPECT_EQ(DurationText(-absl::Milliseconds(29'567)), "-29.5s");
}

TEST(TextTest, TimesAreToTheSecond) {
  google::protobuf::Timestamp time;
  SetTime(absl::FromUnixMillis(1'000'000'000'999), &time);
  EXPECT_EQ(TimeText(time), "2001-09-09T01:46:40Z");
  EXPECT_EQ(ToTime(time), absl::FromUnixMillis(1'000'000'000'999));
}

}  // namespace
}  // namespace fusebox::cli
