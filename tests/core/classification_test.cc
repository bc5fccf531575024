#include "core/classification.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fusebox {
namespace {

Outcome Grpc(int code, const ClassificationRules& rules = {}) {
  return Classification(rules).Classify(Result::Grpc(code));
}
Outcome Http(int status, const ClassificationRules& rules = {}) {
  return Classification(rules).Classify(Result::Http(status));
}

// The codes by their numbers in the gRPC protocol: all seventeen, so that none is forgotten.
TEST(ClassificationTest, ClassifiesEveryGrpcCode) {
  const std::map<int, Outcome> table = {
      {0, Outcome::kSuccess},       // OK
      {1, Outcome::kIgnored},       // CANCELLED
      {2, Outcome::kFailure},       // UNKNOWN
      {3, Outcome::kCallerError},   // INVALID_ARGUMENT
      {4, Outcome::kTimeout},       // DEADLINE_EXCEEDED
      {5, Outcome::kCallerError},   // NOT_FOUND
      {6, Outcome::kCallerError},   // ALREADY_EXISTS
      {7, Outcome::kCallerError},   // PERMISSION_DENIED
      {8, Outcome::kRateLimited},   // RESOURCE_EXHAUSTED
      {9, Outcome::kCallerError},   // FAILED_PRECONDITION
      {10, Outcome::kCallerError},  // ABORTED
      {11, Outcome::kCallerError},  // OUT_OF_RANGE
      {12, Outcome::kCallerError},  // UNIMPLEMENTED
      {13, Outcome::kFailure},      // INTERNAL
      {14, Outcome::kFailure},      // UNAVAILABLE
      {15, Outcome::kFailure},      // DATA_LOSS
      {16, Outcome::kCallerError},  // UNAUTHENTICATED
  };
  ASSERT_EQ(table.size(), 17u);
  for (const auto& [code, outcome] : table) EXPECT_EQ(Grpc(code), outcome) << code;
}

// The exceptions, and everything else by its class: all five hundred.
TEST(ClassificationTest, ClassifiesEveryHttpStatus) {
  const std::map<int, Outcome> exceptions = {{408, Outcome::kTimeout},     {504, Outcome::kTimeout},
                                             {429, Outcome::kRateLimited}, {499, Outcome::kIgnored},
                                             {425, Outcome::kFailure},     {529, Outcome::kFailure},
                                             {501, Outcome::kCallerError}};
  const std::map<int, Outcome> classes = {{1, Outcome::kSuccess},
                                          {2, Outcome::kSuccess},
                                          {3, Outcome::kSuccess},
                                          {4, Outcome::kCallerError},
                                          {5, Outcome::kFailure}};
  for (int status = 100; status <= 599; ++status) {
    const auto exception = exceptions.find(status);
    const Outcome expected =
        exception != exceptions.end() ? exception->second : classes.at(status / 100);
    EXPECT_EQ(Http(status), expected) << status;
  }
}

// A caller that classified by itself is believed.
TEST(ClassificationTest, TakesAnOutcomeAsItIs) {
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kFailure, Outcome::kTimeout,
                                Outcome::kRateLimited, Outcome::kCallerError, Outcome::kIgnored}) {
    EXPECT_EQ(Classification().Classify(Result::Of(outcome)), outcome);
  }
}

// For some dependencies NOT_FOUND is an outage.
TEST(ClassificationTest, ARuleChangesOneGrpcCode) {
  const ClassificationRules rules{
      .grpc = {{5, Outcome::kFailure}, {0, Outcome::kIgnored}}, .http = {}, .http_family = {}};
  EXPECT_EQ(Grpc(5, rules), Outcome::kFailure);
  EXPECT_EQ(Grpc(0, rules), Outcome::kIgnored);
  EXPECT_EQ(Grpc(6, rules), Outcome::kCallerError);
}

// "5xx: FAILURE" says all of them, also those with a standard meaning of their own.
TEST(ClassificationTest, AFamilyRuleChangesTheWholeFamily) {
  const ClassificationRules rules{.grpc = {}, .http = {}, .http_family = {{4, Outcome::kFailure}}};
  for (const int status : {400, 404, 408, 429, 499}) {
    EXPECT_EQ(Http(status, rules), Outcome::kFailure) << status;
  }
  EXPECT_EQ(Http(399, rules), Outcome::kSuccess);
  EXPECT_EQ(Http(501, rules), Outcome::kCallerError);
}

// An exact status goes before its family, or the exception could not be written.
TEST(ClassificationTest, AnExactStatusGoesBeforeItsFamily) {
  const ClassificationRules rules{
      .grpc = {}, .http = {{404, Outcome::kSuccess}}, .http_family = {{4, Outcome::kFailure}}};
  EXPECT_EQ(Http(404, rules), Outcome::kSuccess);
  EXPECT_EQ(Http(403, rules), Outcome::kFailure);
}

// Classify() indexes tables: whoever calls it checks with this first.
TEST(ClassificationTest, KnowsWhichResultsAreValid) {
  EXPECT_TRUE(Classification::IsValid(Result::Grpc(0)));
  EXPECT_TRUE(Classification::IsValid(Result::Grpc(16)));
  EXPECT_FALSE(Classification::IsValid(Result::Grpc(17)));
  EXPECT_FALSE(Classification::IsValid(Result::Grpc(-1)));
  EXPECT_TRUE(Classification::IsValid(Result::Http(100)));
  EXPECT_TRUE(Classification::IsValid(Result::Http(599)));
  EXPECT_FALSE(Classification::IsValid(Result::Http(99)));
  EXPECT_FALSE(Classification::IsValid(Result::Http(600)));
  EXPECT_TRUE(Classification::IsValid(Result::Of(Outcome::kIgnored)));
  EXPECT_FALSE(Classification::IsValid({Result::Kind::kOutcome, 6}));
  EXPECT_FALSE(Classification::IsValid({Result::Kind::kOutcome, -1}));
}

// Of the six outcomes three fail the breaker, two are successes for it and one is neither.
TEST(ClassificationTest, AnOutcomeIsAFailureOrASuccessOrNeither) {
  const std::set<Outcome> failures = {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited};
  const std::set<Outcome> successes = {Outcome::kSuccess, Outcome::kCallerError};
  for (int value = 0; value <= static_cast<int>(Outcome::kIgnored); ++value) {
    const auto outcome = static_cast<Outcome>(value);
    EXPECT_EQ(IsFailure(outcome), failures.count(outcome) == 1) << value;
    EXPECT_EQ(IsSuccess(outcome), successes.count(outcome) == 1) << value;
  }
}

}  // namespace
}  // namespace fusebox
