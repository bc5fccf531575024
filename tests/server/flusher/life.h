#ifndef FUSEBOX_TESTS_SERVER_FLUSHER_LIFE_H_
#define FUSEBOX_TESTS_SERVER_FLUSHER_LIFE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "server/control/breaker_changes.h"
#include "server/control/control.h"
#include "server/control/policy_changes.h"
#include "server/engine/engine.h"
#include "server/flusher/flusher.h"
#include "server/store/sqlite_store.h"
#include "testing/fake_clock.h"

namespace fusebox {

// One life of a server, without its wires: what it knows, and what keeps that. Rounds are run by
// the test.
//
//   Life life(clock, {.data_dir = dir.path()});
//   ASSERT_TRUE(life.Create("database", "db/*").ok());
//   life.Trip("db/orders");
//   life.flusher.Round();
class Life {
 public:
  // What a server takes from the wall clock.
  static constexpr uint64_t kWallLife = 1'000'000;

  Life(const FakeClock& fake_clock, const SqliteStoreOptions& options, size_t max_events = 100)
      : clock(fake_clock),
        store(*SqliteStore::Open(options)),
        kept(ReadKept(*store, RecordTime::Now(clock))),
        engine({.max_events = max_events}, clock,
               std::max(kWallLife, kept.ok() ? kept->life + 1 : 0)),
        flusher(engine, control, clock, *store, max_events) {
    begun = flusher.Begin(kept);
  }

  // One change in a round of its own.
  absl::Status Make(std::function<absl::Status(Draft&)> make) {
    absl::Status answer = absl::UnknownError("no answer");
    control.Submit({.make = std::move(make),
                    .done = [&answer](const absl::Status& status) { answer = status; }});
    flusher.Round();
    return answer;
  }
  absl::Status Create(absl::string_view name, absl::string_view match) {
    v1::Policy policy;
    policy.set_name(std::string(name));
    policy.add_match(std::string(match));
    return Make([&](Draft& draft) {
      return CreatePolicy(policy, Ada(), control.limits(), draft).status();
    });
  }
  absl::Status Delete(absl::string_view name) {
    return Make([&](Draft& draft) { return DeletePolicy(name, "", draft); });
  }
  absl::Status Force(absl::string_view match, absl::Duration ttl = absl::InfiniteDuration()) {
    v1::OverrideBreakerRequest request;
    request.set_match(std::string(match));
    request.set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
    request.set_reason("maintenance");
    if (ttl != absl::InfiniteDuration()) *request.mutable_ttl() = ToProto(ttl);
    return Make([&](Draft& draft) {
      return ImposeOverride(request, Ada(), control.limits(), draft).status();
    });
  }
  absl::Status Clear(absl::string_view match) {
    v1::ClearOverrideRequest request;
    request.set_match(std::string(match));
    return Make([&](Draft& draft) { return LiftOverride(request, Ada(), draft).status(); });
  }
  absl::Status Reset(absl::string_view breaker) {
    return Make([&](Draft&) { return engine.Reset(breaker, {"ada", "fixed"}); });
  }
  absl::Status Forget(absl::string_view breaker) {
    return Make([&](Draft&) { return engine.Forget(breaker, {"ada", "gone"}); });
  }

  void Trip(absl::string_view breaker) {
    const Ending ending{.result = Result::Of(Outcome::kFailure), .calls = 5};
    ASSERT_TRUE(engine.Record(breaker, "", ending).ok());
    ASSERT_EQ(Look(breaker).state, State::kOpen);
  }
  Snapshot Look(absl::string_view breaker) {
    const absl::StatusOr<BreakerView> view = engine.Get(breaker);
    return view.ok() ? view->snapshot : Snapshot{};
  }
  Reason ReasonFor(absl::string_view breaker) {
    return engine.Allow(breaker, {}, "client")->decision.reason;
  }
  std::string PolicyOf(absl::string_view breaker) {
    EXPECT_TRUE(engine.Allow(breaker, {}, "").ok());
    return engine.Get(breaker)->ruling->policy.name;
  }
  Author Ada() const { return {"ada", RecordTime::Now(clock)}; }

  const FakeClock& clock;
  std::unique_ptr<SqliteStore> store;
  absl::StatusOr<Kept> kept;
  Engine engine;
  Control control{engine, {}};
  Flusher flusher;
  absl::Status begun;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_FLUSHER_LIFE_H_
