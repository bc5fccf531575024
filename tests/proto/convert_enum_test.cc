// Enums between messages and core: every value, there and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "proto/convert_fixture.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

// Checks each pair, and that there is one for each value of the message's enum but UNSPECIFIED.
template <typename Core, typename Proto>
void ExpectAll(const Pairs<Core, Proto>& pairs, const google::protobuf::EnumDescriptor* all) {
  std::set<int> met;
  for (const auto& [core, proto] : pairs) {
    EXPECT_EQ(ToProto(core), proto) << all->FindValueByNumber(proto)->name();
    met.insert(proto);
  }
  met.insert(0);
  EXPECT_EQ(static_cast<int>(met.size()), all->value_count()) << all->name();
}

// The enums stand in the same order, until somebody adds a value to one of them.
TEST(ConvertEnumsTest, EveryValueHasItsCounterpart) {
  ExpectAll<State, v1::State>({{State::kClosed, v1::STATE_CLOSED},
                               {State::kOpen, v1::STATE_OPEN},
                               {State::kHalfOpen, v1::STATE_HALF_OPEN}},
                              v1::State_descriptor());
  ExpectAll<Reason, v1::Reason>({{Reason::kNone, v1::REASON_UNSPECIFIED},
                                 {Reason::kOpen, v1::REASON_OPEN},
                                 {Reason::kProbesBusy, v1::REASON_PROBES_BUSY},
                                 {Reason::kRamping, v1::REASON_RAMPING},
                                 {Reason::kForcedOpen, v1::REASON_FORCED_OPEN},
                                 {Reason::kRetryBudget, v1::REASON_RETRY_BUDGET},
                                 {Reason::kRateLimit, v1::REASON_RATE_LIMIT},
                                 {Reason::kBulkhead, v1::REASON_BULKHEAD},
                                 {Reason::kDuplicate, v1::REASON_DUPLICATE},
                                 {Reason::kKeysFull, v1::REASON_IDEMPOTENCY_KEYS},
                                 {Reason::kNoServer, v1::REASON_NO_SERVER}},
                                v1::Reason_descriptor());
  ExpectAll<RetryReason, v1::RetryReason>(
      {{RetryReason::kOk, v1::RETRY_REASON_OK},
       {RetryReason::kExploring, v1::RETRY_REASON_EXPLORING},
       {RetryReason::kNotRetryable, v1::RETRY_REASON_NOT_RETRYABLE},
       {RetryReason::kAttemptsExhausted, v1::RETRY_REASON_ATTEMPTS_EXHAUSTED},
       {RetryReason::kOpen, v1::RETRY_REASON_OPEN},
       {RetryReason::kRetryAfter, v1::RETRY_REASON_RETRY_AFTER},
       {RetryReason::kBudgetEmpty, v1::RETRY_REASON_BUDGET_EMPTY},
       {RetryReason::kFailing, v1::RETRY_REASON_FAILING},
       {RetryReason::kUnlikely, v1::RETRY_REASON_UNLIKELY}},
      v1::RetryReason_descriptor());
  using Begun = IdempotencyKeys::Begun;
  ExpectAll<Begun, v1::FirstCall>({{Begun::kFresh, v1::FIRST_CALL_UNSPECIFIED},
                                   {Begun::kFull, v1::FIRST_CALL_UNSPECIFIED},
                                   {Begun::kInFlight, v1::FIRST_CALL_IN_FLIGHT},
                                   {Begun::kSucceeded, v1::FIRST_CALL_SUCCEEDED},
                                   {Begun::kUnknown, v1::FIRST_CALL_UNKNOWN}},
                                  v1::FirstCall_descriptor());
  ExpectAll(AllOutcomes(), v1::Outcome_descriptor());
  ExpectAll<Counted, v1::Counted>({{Counted::kCounted, v1::COUNTED_COUNTED},
                                   {Counted::kLate, v1::COUNTED_LATE},
                                   {Counted::kRepeated, v1::COUNTED_REPEATED},
                                   {Counted::kNotCounted, v1::COUNTED_NOT_COUNTED}},
                                  v1::Counted_descriptor());
  ExpectAll<Health, v1::Health>({{Health::kHealthy, v1::HEALTH_HEALTHY},
                                 {Health::kDegraded, v1::HEALTH_DEGRADED},
                                 {Health::kUnhealthy, v1::HEALTH_UNHEALTHY}},
                                v1::Health_descriptor());
  ExpectAll<OverrideMode, v1::OverrideMode>(
      {{OverrideMode::kForcedOpen, v1::OVERRIDE_MODE_FORCED_OPEN},
       {OverrideMode::kForcedClosed, v1::OVERRIDE_MODE_FORCED_CLOSED},
       {OverrideMode::kShadow, v1::OVERRIDE_MODE_SHADOW}},
      v1::OverrideMode_descriptor());
}

TEST(ConvertEnumsTest, EveryCauseHasItsCounterpart) {
  ExpectAll<Cause, v1::Cause>({{Cause::kNone, v1::CAUSE_UNSPECIFIED},
                               {Cause::kConsecutiveFailures, v1::CAUSE_CONSECUTIVE_FAILURES},
                               {Cause::kFailureRate, v1::CAUSE_FAILURE_RATE},
                               {Cause::kSlowCallRate, v1::CAUSE_SLOW_CALL_RATE},
                               {Cause::kRetryAfter, v1::CAUSE_RETRY_AFTER},
                               {Cause::kWaitOver, v1::CAUSE_WAIT_OVER},
                               {Cause::kProbeFailed, v1::CAUSE_PROBE_FAILED},
                               {Cause::kProbesExpired, v1::CAUSE_PROBES_EXPIRED},
                               {Cause::kProbesSucceeded, v1::CAUSE_PROBES_SUCCEEDED},
                               {Cause::kReset, v1::CAUSE_RESET},
                               {Cause::kDeleted, v1::CAUSE_DELETED},
                               {Cause::kOverridden, v1::CAUSE_OVERRIDDEN},
                               {Cause::kOverrideCleared, v1::CAUSE_OVERRIDE_CLEARED},
                               {Cause::kOverrideExpired, v1::CAUSE_OVERRIDE_EXPIRED}},
                              v1::Cause_descriptor());
}

// And back: what a caller says is what is recorded.
TEST(ConvertEnumsTest, EveryOutcomeIsReadBack) {
  for (const auto& [core, proto] : AllOutcomes()) {
    v1::RecordRequest request;
    request.set_outcome(proto);
    const absl::StatusOr<Ending> ending = FromProto(request);
    ASSERT_TRUE(ending.ok()) << ending.status();
    EXPECT_EQ(ending->result.kind, Result::Kind::kOutcome);
    EXPECT_EQ(static_cast<Outcome>(ending->result.value), core);
  }
}

TEST(ConvertEnumsTest, EveryOverrideModeIsReadBack) {
  for (const OverrideMode mode :
       {OverrideMode::kForcedOpen, OverrideMode::kForcedClosed, OverrideMode::kShadow}) {
    v1::Override message;
    message.set_mode(ToProto(mode));
    const absl::StatusOr<Override> override =
        FromProto(message, WallAnchor{kNow, absl::UnixEpoch()});
    ASSERT_TRUE(override.ok()) << override.status();
    EXPECT_EQ(override->mode, mode);
    EXPECT_EQ(override->expires, Tick::Max());
  }
}

// Enums are open: any number may arrive, also the ones at which arithmetic overflows.
TEST(ConvertEnumsTest, ValuesOfNoMeaningAreErrors) {
  for (const int value :
       {0, 7, 99, -1, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    v1::RecordRequest request;
    request.set_outcome(static_cast<v1::Outcome>(value));
    const absl::Status outcome = FromProto(request).status();
    EXPECT_EQ(ErrorReason(outcome), "RESULT_INVALID");
    EXPECT_EQ(ErrorField(outcome), "outcome");
    EXPECT_THAT(std::string(outcome.message()), HasSubstr(absl::StrCat("is ", value, ";")));

    v1::Override override;
    override.set_mode(static_cast<v1::OverrideMode>(value));
    const absl::Status mode = FromProto(override, WallAnchor{kNow, absl::UnixEpoch()}).status();
    EXPECT_EQ(ErrorReason(mode), "OVERRIDE_INVALID");
    EXPECT_EQ(ErrorField(mode), "mode");
  }
}

}  // namespace
}  // namespace fusebox
