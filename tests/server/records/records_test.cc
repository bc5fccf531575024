// Rows mean the same when they are read again, in this boot and in the next.
#include "server/records/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/error.h"

namespace fusebox {
namespace {

const RecordTime kWritten = {
    .anchor = {Tick::FromNanos(1'000'000'000'000), absl::FromUnixSeconds(1'700'000'000)},
    .boot_id = "boot-1"};

RecordTime Later(absl::Duration passed, absl::Duration wall_jump = {}) {
  RecordTime later = kWritten;
  later.anchor.tick += passed;
  later.anchor.wall += passed + wall_jump;
  return later;
}

// The machine was off for so long; its clock begins anew.
RecordTime AfterBoot(absl::Duration off) {
  return {{Tick::FromNanos(5), kWritten.anchor.wall + off}, "boot-2"};
}

Outage SomeOutage(State state = State::kOpen) {
  const Tick tripped = Tick::FromNanos(990'000'000'000);
  return {.state = state,
          .open_until = tripped + absl::Seconds(30),
          .reopens = 3,
          .last = {.number = 42,
                   .from = State::kHalfOpen,
                   .to = state,
                   .cause = Cause::kProbeFailed,
                   .epoch = 7,
                   .time = tripped,
                   .window = {.calls = 9, .failures = 4, .slow = 1},
                   .consecutive_failures = 2,
                   .failing_clients = {"a", "b"},
                   .open_for = absl::Seconds(30)}};
}

absl::Duration WaitAt(const RecordTime& now) {
  const auto outage = DecodeOutage(EncodeOutage(SomeOutage(), "db/orders", kWritten), now);
  EXPECT_TRUE(outage.ok()) << outage.status();
  return outage->open_until - now.anchor.tick;
}

TEST(RecordsTest, TheRestOfAWaitGoesOnInTheSameBoot) {
  EXPECT_EQ(WaitAt(kWritten), absl::Seconds(20));
  EXPECT_EQ(WaitAt(Later(absl::Seconds(15))), absl::Seconds(5));
  EXPECT_EQ(WaitAt(Later(absl::Minutes(1))), absl::Seconds(-40));
}

TEST(RecordsTest, AWallClockThatJumpsChangesNoWait) {
  for (const absl::Duration jump : {-absl::Hours(1), absl::Hours(1), absl::Hours(24 * 365)}) {
    EXPECT_EQ(WaitAt(Later(absl::Seconds(15), jump)), absl::Seconds(5));
    EXPECT_EQ(WaitAt(AfterBoot(jump)), absl::Seconds(20));
  }
}

TEST(RecordsTest, AnotherBootWaitsForWhatWasLeft) {
  EXPECT_EQ(WaitAt(AfterBoot(absl::Hours(1))), absl::Seconds(20));
}

TEST(RecordsTest, AnUnknownBootIsNoOtherBoot) {
  RecordTime unknown = kWritten;
  unknown.boot_id = "";
  const std::string bytes = EncodeOutage(SomeOutage(), "db/orders", unknown);
  unknown.anchor.tick += absl::Seconds(15);
  EXPECT_EQ(DecodeOutage(bytes, unknown)->open_until - unknown.anchor.tick, absl::Seconds(20));
}

TEST(RecordsTest, AnOutageIsWholeInItsRow) {
  for (const State state : {State::kOpen, State::kHalfOpen}) {
    const Outage before = SomeOutage(state);
    const auto after = DecodeOutage(EncodeOutage(before, "db/orders", kWritten), kWritten);
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_EQ(after->state, state);
    EXPECT_EQ(after->open_until, before.open_until);
    EXPECT_EQ(after->reopens, 3u);
    EXPECT_EQ(after->last.number, 42u);
    EXPECT_EQ(after->last.failing_clients, before.last.failing_clients);
    EXPECT_EQ(after->last.window, before.last.window);
  }
}

TEST(RecordsTest, ATransitionIsWholeInItsRow) {
  const Event before{"db/orders", SomeOutage().last};
  const auto after = DecodeTransition(EncodeTransition(before, kWritten), Later(absl::Hours(1)));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->breaker, "db/orders");
  EXPECT_EQ(after->transition.number, 42u);
  EXPECT_EQ(after->transition.time, before.transition.time);
}

Override SomeOverride() {
  return {.mode = OverrideMode::kShadow,
          .reason = "dry run",
          .actor = "ada",
          .expires = kWritten.anchor.tick + absl::Minutes(10),
          .began = kWritten.anchor.tick + absl::Seconds(-60),
          .match = "db/*"};
}

TEST(RecordsTest, AnOverrideIsWholeInItsRow) {
  const Override before = SomeOverride();
  const auto after = DecodeOverride(EncodeOverride(before, kWritten), kWritten);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->mode, before.mode);
  EXPECT_EQ(after->reason, before.reason);
  EXPECT_EQ(after->actor, before.actor);
  EXPECT_EQ(after->expires, before.expires);
  EXPECT_EQ(after->began, before.began);
  EXPECT_EQ(after->match, before.match);
  EXPECT_FALSE(after->drill);
}

TEST(RecordsTest, AnOverrideGoesOnForTheTimeThatIsLeftAndOneWithoutEndForever) {
  const std::string bytes = EncodeOverride(SomeOverride(), kWritten);
  for (const absl::Duration jump : {absl::ZeroDuration(), absl::Hours(1)}) {
    const RecordTime later = Later(absl::Minutes(4), jump);
    EXPECT_EQ(DecodeOverride(bytes, later)->expires - later.anchor.tick, absl::Minutes(6));
  }
  const RecordTime over = Later(absl::Minutes(11));
  EXPECT_LT(DecodeOverride(bytes, over)->expires, over.anchor.tick);
  const RecordTime booted = AfterBoot(absl::Hours(1));
  EXPECT_EQ(DecodeOverride(bytes, booted)->expires - booted.anchor.tick, absl::Minutes(10));
  Override endless = SomeOverride();
  endless.expires = Tick::Max();
  EXPECT_EQ(DecodeOverride(EncodeOverride(endless, kWritten), booted)->expires, Tick::Max());
}

TEST(RecordsTest, ADrillsReportIsWholeInItsRow) {
  Override drill = SomeOverride();
  drill.mode = OverrideMode::kForcedOpen;
  drill.drill = true;
  const Event before{
      .breaker = "db/*",
      .transition = {.number = 9, .cause = Cause::kOverrideExpired, .time = kWritten.anchor.tick},
      .actor = "ada",
      .reason = "exercise",
      .override = std::make_shared<const Override>(drill),
      .drill_report = std::make_shared<const DrillReport>(
          DrillReport{absl::Minutes(10), 12, {{"checkout", 7}, {"search", 3}}, 2})};
  const auto after = DecodeTransition(EncodeTransition(before, kWritten), kWritten);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->transition.cause, Cause::kOverrideExpired);
  EXPECT_EQ(after->actor, "ada");
  EXPECT_EQ(after->reason, "exercise");
  ASSERT_NE(after->override, nullptr);
  EXPECT_TRUE(after->override->drill);
  ASSERT_NE(after->drill_report, nullptr);
  EXPECT_EQ(after->drill_report->lasted, absl::Minutes(10));
  EXPECT_EQ(after->drill_report->refused, 12u);
  EXPECT_EQ(after->drill_report->clients, before.drill_report->clients);
  EXPECT_EQ(after->drill_report->refused_to_others, 2u);
}

TEST(RecordsTest, TransitionsAreKeptInTheOrderOfTheirNumbers) {
  std::vector<std::string> keys;
  for (const uint64_t number : {0ull, 1ull, 255ull, 256ull, 1ull << 32, ~0ull}) {
    keys.push_back(TransitionKey(number));
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST(RecordsTest, ALifeIsWholeInItsRow) {
  for (const uint64_t life : {uint64_t{0}, ~uint64_t{0}}) {
    const absl::StatusOr<ServerState> state =
        DecodeServer(EncodeServer({life, {"a boot", Tick::FromNanos(7)}}));
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(state->life, life);
    EXPECT_EQ(state->seen.boot_id, "a boot");
    EXPECT_EQ(state->seen.tick, Tick::FromNanos(7));
  }
}

TEST(RecordsTest, WhatIsNoRecordIsAnError) {
  const std::string junk = "\xff\xff\xff";
  for (const absl::Status& status :
       {DecodeServer(junk).status(), DecodeOutage(junk, kWritten).status(),
        DecodeOverride(junk, kWritten).status(), DecodeOverride("", kWritten).status(),
        DecodeTransition(junk, kWritten).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(ErrorReason(status), "STORE_CORRUPT");
  }
}

}  // namespace
}  // namespace fusebox
