#include "core/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Complaint(const absl::Status& status) { return std::string(status.message()); }

// These are the names that people have: method paths, kinds and names, models.
TEST(BreakerNameTest, TakesSegmentsJoinedBySlashes) {
  for (const absl::string_view name : {"payments.v1.ChargeService/Charge", "db/orders-primary",
                                       "llm/claude-sonnet", "a", "~/_-.9", "a/b/c/d/e/f"}) {
    EXPECT_TRUE(CheckBreakerName(name).ok()) << name;
  }
}

// Names become metric labels and globs: anything else in them would need escaping everywhere.
TEST(BreakerNameTest, RefusesEveryOtherCharacter) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-";
  for (int c = 0; c < 256; ++c) {
    const bool wanted = allowed.find(static_cast<char>(c)) != std::string::npos && c != 0;
    EXPECT_EQ(IsNameCharacter(static_cast<char>(c)), wanted) << c;
    const std::string name = {'a', static_cast<char>(c), 'b'};
    EXPECT_EQ(CheckBreakerName(name).ok(), wanted || c == '/') << c;
  }
}

// "a//b" and "a/b" would be two breakers for one thing.
TEST(BreakerNameTest, RefusesEmptySegments) {
  EXPECT_THAT(Complaint(CheckBreakerName("")), HasSubstr("is empty"));
  EXPECT_THAT(Complaint(CheckBreakerName("a//b")), HasSubstr("empty segment"));
  EXPECT_THAT(Complaint(CheckBreakerName("/a")), HasSubstr("empty segment"));
  EXPECT_THAT(Complaint(CheckBreakerName("a/")), HasSubstr("ends with a slash"));
}

// Everything is bounded, and the bound itself is usable.
TEST(BreakerNameTest, TakesAtMost256Bytes) {
  EXPECT_TRUE(CheckBreakerName(std::string(256, 'x')).ok());
  EXPECT_THAT(Complaint(CheckBreakerName(std::string(257, 'x'))), HasSubstr("257 bytes"));
}

// An error names the thing, the value and the remedy.
TEST(BreakerNameTest, TheErrorSaysWhatAndWhereAndHowToMendIt) {
  const absl::Status error = CheckBreakerName("db orders");
  EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(error), "BREAKER_NAME_INVALID");
  EXPECT_EQ(ErrorField(error), "breaker");
  EXPECT_THAT(Complaint(error), AllOf(HasSubstr("breaker \"db orders\""),
                                      HasSubstr("contains \" \""), HasSubstr("use segments of")));
}

// The message ends in logs and terminals: a hostile name must not write there.
TEST(BreakerNameTest, TheErrorIsPrintableAndShort) {
  const std::string hostile = "\x1b[2J\n" + std::string(5'000, 'x');
  const std::string message = Complaint(CheckBreakerName(hostile));
  EXPECT_THAT(message, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n")), HasSubstr("...")));
  EXPECT_LT(message.size(), 400u);
}

// A prefix is a path of whole segments: what would be half of one is a mistake of who asks.
TEST(BreakerPrefixTest, TakesWhatIsANameAndNothingAtAll) {
  for (const absl::string_view prefix : {"", "payments", "payments.v1.ChargeService", "a/b/c"}) {
    EXPECT_TRUE(CheckBreakerPrefix(prefix).ok()) << prefix;
  }
  EXPECT_TRUE(CheckBreakerPrefix(std::string(256, 'x')).ok());
  for (const absl::string_view prefix : {"payments/", "/payments", "a//b", "a/**", "a b"}) {
    EXPECT_FALSE(CheckBreakerPrefix(prefix).ok()) << prefix;
  }
}

TEST(BreakerPrefixTest, TheErrorIsThatOfANameAboutAnotherField) {
  const absl::Status error = CheckBreakerPrefix("payments/");
  EXPECT_EQ(error.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(error), "BREAKER_NAME_INVALID");
  EXPECT_EQ(ErrorField(error), "prefix");
  EXPECT_THAT(Complaint(error), AllOf(HasSubstr("prefix \"payments/\" ends with a slash"),
                                      HasSubstr("leave it empty for all")));
}

// Clients name themselves as they like, or not at all.
TEST(ClientNameTest, TakesAnyTextUpTo256Bytes) {
  for (const absl::string_view client : {"", "pod-7", "10.0.0.1", "spiffe://a/b?c", "Zürich 3"}) {
    EXPECT_TRUE(CheckClientName(client).ok()) << client;
  }
  EXPECT_TRUE(CheckClientName(std::string(256, 'c')).ok());
}

// A client's name is kept and shown.
TEST(ClientNameTest, RefusesLongNamesAndControlCharacters) {
  const absl::Status longer = CheckClientName(std::string(257, 'c'));
  EXPECT_EQ(longer.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(longer), "CLIENT_NAME_INVALID");
  EXPECT_EQ(ErrorField(longer), "client");
  EXPECT_THAT(Complaint(longer), AllOf(HasSubstr("257 bytes"), HasSubstr("at most 256 bytes")));

  const absl::Status control = CheckClientName("a\nb");
  EXPECT_EQ(ErrorReason(control), "CLIENT_NAME_INVALID");
  EXPECT_THAT(Complaint(control), AllOf(HasSubstr("control character"), Not(HasSubstr("\n"))));
  EXPECT_FALSE(CheckClientName(absl::string_view("a\0b", 3)).ok());
}

}  // namespace
}  // namespace fusebox
