#include "core/error.h"

#include <gtest/gtest.h>

#include <string>

namespace fusebox {
namespace {

// Programs branch on the reason, forms mark the field, people read the message.
TEST(ErrorTest, CarriesReasonAndFieldBesideTheMessage) {
  const absl::Status error =
      MakeError(absl::StatusCode::kNotFound, "LAMP_BROKEN", "lamp 3 is broken", "lamps[3]");
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(error.message(), "lamp 3 is broken");
  EXPECT_EQ(ErrorReason(error), "LAMP_BROKEN");
  EXPECT_EQ(ErrorField(error), "lamps[3]");
}

// Not every error is about a field, and not every status was made here.
TEST(ErrorTest, IsEmptyWhereNothingWasGiven) {
  EXPECT_EQ(ErrorField(MakeError(absl::StatusCode::kUnavailable, "GONE", "it is gone")), "");
  EXPECT_EQ(ErrorReason(absl::InternalError("from elsewhere")), "");
  EXPECT_EQ(ErrorReason(absl::OkStatus()), "");
}

// Messages end in terminals, logs and trailers, and what they quote may come from anyone.
TEST(QuoteForErrorTest, LetsNothingThroughButPrintableAscii) {
  EXPECT_EQ(QuoteForError(""), R"("")");
  EXPECT_EQ(QuoteForError("db/orders"), R"("db/orders")");
  EXPECT_EQ(QuoteForError("a\n\"b\"\\\x1b[2J"), R"("a\n\"b\"\\\x1b[2J")");
  EXPECT_EQ(QuoteForError("Caf\xc3\xa9"), R"("Caf\xc3\xa9")");
  for (int c = 0; c < 256; ++c) {
    for (const char quoted : QuoteForError(std::string(1, static_cast<char>(c)))) {
      EXPECT_TRUE(quoted >= ' ' && quoted <= '~') << c;
    }
  }
}

// The beginning is enough to find it.
TEST(QuoteForErrorTest, IsShort) {
  EXPECT_EQ(QuoteForError(std::string(80, 'x')), "\"" + std::string(80, 'x') + "\"");
  EXPECT_EQ(QuoteForError(std::string(81, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

// Nobody makes a message long by what has to be escaped.
TEST(QuoteForErrorTest, IsShortWhateverItShows) {
  const std::string twenty = R"(\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff)";
  EXPECT_EQ(QuoteForError(std::string(20, '\xff')), "\"" + twenty + twenty + "\"");
  EXPECT_EQ(QuoteForError(std::string(21, '\xff')), "\"" + twenty + twenty + "...\"");
  for (const absl::string_view piece : {"\n", "\xff", "x\x01", "\"", "\177a", "\xc3\xa9z"}) {
    std::string text;
    while (text.size() < 1'000) text.append(piece.data(), piece.size());
    const std::string quoted = QuoteForError(text);
    EXPECT_LE(quoted.size(), 80 + 5u) << quoted;
    EXPECT_GE(quoted.size(), 80 + 5u - 4) << quoted;
  }
}

}  // namespace
}  // namespace fusebox
