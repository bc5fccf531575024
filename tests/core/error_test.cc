#include "core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

using ::testing::EndsWith;
using ::testing::SizeIs;

std::vector<FieldError> Bad(size_t count, absl::string_view value = "7") {
  std::vector<FieldError> errors;
  for (size_t i = 0; i < count; ++i) {
    std::string field = absl::StrCat("lamps[", i, "].glow");
    std::string message = absl::StrCat(field, " is ", value, "; set it between 1 and 5");
    errors.push_back({std::move(field), std::move(message)});
  }
  return errors;
}

// What a status takes in the trailers of a call: its message, and the details in base64, which hold
// the message again and each field with its description.
size_t BytesInTrailers(const absl::Status& status) {
  size_t newlines = 0, details = 200 + status.message().size();
  for (const char c : status.message()) newlines += c == '\n' ? 1 : 0;
  for (const FieldError& error : ErrorFields(status)) {
    details += 10 + error.field.size() + error.message.size();
  }
  return status.message().size() + 2 * newlines + details * 4 / 3;
}

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

TEST(FieldErrorsTest, NameEachFieldBehindThePrefix) {
  const absl::Status status = MakeFieldErrors("LAMP_INVALID", "room.", Bad(2));
  EXPECT_EQ(ErrorReason(status), "LAMP_INVALID");
  const std::vector<FieldError> errors = ErrorFields(status);
  ASSERT_THAT(errors, SizeIs(2));
  EXPECT_EQ(errors[1].field, "room.lamps[1].glow");
  EXPECT_EQ(errors[1].message, "room.lamps[1].glow is 7; set it between 1 and 5");
}

TEST(FieldErrorsTest, AreAllListedUpToTwenty) {
  EXPECT_EQ(ErrorFields(MakeFieldErrors("LAMP_INVALID", "", Bad(20))), Bad(20));
}

// Who mends twenty has learnt what is wrong with the others.
TEST(FieldErrorsTest, SayHowManyMoreThereAreThanTwenty) {
  const std::vector<FieldError> errors = ErrorFields(MakeFieldErrors("LAMP_INVALID", "", Bad(100)));
  ASSERT_THAT(errors, SizeIs(21));
  EXPECT_EQ(errors[19], Bad(20)[19]);
  EXPECT_EQ(errors[20].field, "lamps[20].glow");
  EXPECT_EQ(errors[20].message, "and 80 more; mend these first");
}

// Beyond what a client accepts as trailers it would see RESOURCE_EXHAUSTED instead.
TEST(FieldErrorsTest, FitIntoTrailersWhateverTheyQuote) {
  for (const size_t count : {1, 5, 20, 100, 1'000}) {
    for (const size_t length : {0, 40, 80, 300, 5'000}) {
      const absl::Status status =
          MakeFieldErrors("LAMP_INVALID", "room.", Bad(count, std::string(length, 'x')));
      EXPECT_LT(BytesInTrailers(status), 8'192u) << count << " of " << length;
      EXPECT_FALSE(ErrorFields(status).empty());
    }
  }
}

// The last one counts those that did not fit, too.
TEST(FieldErrorsTest, CountThoseThatDidNotFit) {
  const absl::Status status = MakeFieldErrors("LAMP_INVALID", "", Bad(20, std::string(300, 'x')));
  const std::vector<FieldError> errors = ErrorFields(status);
  ASSERT_GT(errors.size(), 1u);
  EXPECT_EQ(errors.back().message,
            absl::StrCat("and ", 20 - (errors.size() - 1), " more; mend these first"));
}

// A name in a field is the caller's, and a status that is no UTF-8 cannot be read.
TEST(FieldErrorsTest, CutLongTextsBetweenCharacters) {
  std::string field = "lamps.";
  while (field.size() < 1'000) field += "\u00fc";
  const absl::Status status =
      MakeFieldErrors("LAMP_INVALID", "", {{field, field}, {"b", "b is 7"}});
  const std::vector<FieldError> errors = ErrorFields(status);
  ASSERT_THAT(errors, SizeIs(2));
  for (const std::string& text : {errors[0].field, errors[0].message}) {
    EXPECT_THAT(text, EndsWith("\u00fc..."));
    EXPECT_LE(text.size(), 400u);
    EXPECT_EQ((text.size() - std::string("lamps....").size()) % 2, 0u);
  }
}

// The lines of a message belong to its fields one by one.
TEST(FieldErrorsTest, TakeOneLineEach) {
  const std::vector<FieldError> errors =
      ErrorFields(MakeFieldErrors("LAMP_INVALID", "", {{"a\nb", "a\nb is 7"}, {"c", "c is 8"}}));
  EXPECT_EQ(errors, (std::vector<FieldError>{{"a b", "a b is 7"}, {"c", "c is 8"}}));
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
