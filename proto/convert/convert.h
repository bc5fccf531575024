#ifndef FUSEBOX_PROTO_CONVERT_CONVERT_H_
#define FUSEBOX_PROTO_CONVERT_CONVERT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/guard.h"
#include "core/policy.h"
#include "core/tally.h"
#include "core/tick.h"
#include "core/transition.h"
#include "fusebox/v1/admin.pb.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "fusebox/v1/session.pb.h"
#include "google/protobuf/duration.pb.h"

// Translates between messages and core: the only place that knows both.
//
// What comes from a message is checked here and by core's Validate(), once; what comes out of
// these functions is in range. Pure functions, safe from any thread.
namespace fusebox {

// A moment on both clocks, to show monotonic time to people.
struct WallAnchor {
  Tick tick;
  absl::Time wall;

  absl::Time At(Tick moment) const {
    return moment >= tick ? wall + (moment - tick) : wall - (tick - moment);
  }
  // The other way; before the origin of Tick it is negative.
  Tick TickAt(absl::Time moment) const {
    return Tick::FromNanos(absl::ToInt64Nanoseconds(tick - Tick() + (moment - wall)));
  }
};

absl::Duration FromProto(const google::protobuf::Duration& duration);
// Longer than a message can carry, or infinite: the longest there is.
google::protobuf::Duration ToProto(absl::Duration duration);
// The same into an empty message, for what every call shows.
void Show(absl::Duration duration, google::protobuf::Duration& message);

absl::Time FromProto(const google::protobuf::Timestamp& time);
google::protobuf::Timestamp ToProto(absl::Time time);

// Appends what is wrong to `errors`; the policy may be used only if nothing was.
Policy FromProto(const v1::Policy& message, std::vector<FieldError>& errors);
// Every number of it, also those that nobody had set: what comes back from this is the same policy.
v1::Policy ToProto(const Policy& policy);
RetryBudgetPolicy FromProto(const v1::RetryBudgetSettings& message, absl::string_view prefix,
                            std::vector<FieldError>& errors);

// What is asked before a call; views live as long as the message. The errors are INVALID_ARGUMENT:
// OUTCOME_INVALID, LEASE_INVALID, IDEMPOTENCY_KEY_INVALID.
absl::StatusOr<Question> FromProto(const v1::AllowRequest& message);

// How long it may wait for its answer: 0 if it does not ask to. INVALID_ARGUMENT, MAX_WAIT_INVALID.
absl::StatusOr<absl::Duration> MaxWaitOf(const v1::AllowRequest& message);

// How a call ended, without permit and breaker. The errors are INVALID_ARGUMENT: RESULT_MISSING,
// RESULT_INVALID, LATENCY_INVALID, RETRY_AFTER_INVALID; an item's also COUNT_INVALID. A Retry-After
// of more than a day is a day. The client's name is the message's.
absl::StatusOr<Ending> FromProto(const v1::RecordRequest& message);
absl::StatusOr<Ending> FromProto(const v1::BatchRecordItem& message);

// A tally as it was told, which is what a core's Tally views.
struct TallyRow {
  // `client` is who told it, and lives as long as the tally.
  Tally View(absl::string_view client) const {
    Tally tally{.outcomes = outcomes,
                .epoch = epoch,
                .timed = timed,
                .latency = latency,
                .latency_samples = latency_samples,
                .retries = retries,
                .refusals = refusals};
    tally.outcomes.client = client;
    return tally;
  }

  OutcomeCounts outcomes = {};
  uint64_t epoch = 0;
  uint32_t timed = 0;
  absl::Duration latency = {};
  std::vector<absl::Duration> latency_samples = {};
  std::vector<Tally::Retries> retries = {};
  std::vector<Tally::Refusals> refusals = {};
};
// The errors are INVALID_ARGUMENT: COUNT_INVALID, LATENCY_INVALID, RETRY_AFTER_INVALID,
// OUTCOME_INVALID. A Retry-After of more than a day is a day.
absl::StatusOr<TallyRow> FromProto(const v1::Tally& message);
// Without the handle, which is the session's to add.
v1::Tally ToProto(const Tally& tally);

// Without handle, policy and share, which are the session's to add.
v1::BreakerState ToProto(const Standing& standing);
// The other way; what is out of range is as near as can be. Of an override there is only what a
// client needs: its mode, and in `override_ttl` how long it holds.
Standing FromProto(const v1::BreakerState& message);

v1::State ToProto(State state);
// kClosed for one that this program does not know.
State FromProto(v1::State state);
v1::Reason ToProto(Reason reason);
// kNone for one that this program does not know.
Reason FromProto(v1::Reason reason);
v1::Outcome ToProto(Outcome outcome);
v1::Counted ToProto(Counted counted);
v1::FirstCall ToProto(IdempotencyKeys::Begun first);
v1::RetryReason ToProto(RetryReason reason);
v1::Cause ToProto(Cause cause);
v1::Health ToProto(Health health);
v1::OverrideMode ToProto(OverrideMode mode);
// Absent for an unspecified one, and for one that this program does not know.
std::optional<OverrideMode> FromProto(v1::OverrideMode mode);

// The error is INVALID_ARGUMENT, OVERRIDE_INVALID: an unspecified mode or a negative time to live.
absl::StatusOr<Override> FromProto(const v1::Override& message, const WallAnchor& now);
v1::Override ToProto(const Override& override, const WallAnchor& now);

// Writes the answer into an empty message, without the breaker's name and the permit, which are the
// server's to add.
void Show(const Decision& decision, v1::AllowResponse& message);
v1::RecordResponse ToProto(const Verdict& verdict);

v1::Window ToProto(const WindowCounts& counts);
v1::Transition ToProto(const Transition& transition, absl::string_view breaker,
                       const WallAnchor& anchor);
// The other way, for what was kept: what is out of range there is as near as can be.
Transition TransitionFromProto(const v1::Transition& message, const WallAnchor& anchor);
// Everything but the retry budget's name, which the caller knows if it is a shared one.
v1::Breaker ToProto(const Snapshot& snapshot, absl::string_view name, absl::string_view policy,
                    const WallAnchor& anchor);

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_CONVERT_CONVERT_H_
