// Random stories: a guard against a plain model of it, against a twin, and against its promises.
//
// Each run prints its seed; RC_PARAMS="seed=..." tells the same stories again, and a failure prints
// the RC_PARAMS="reproduce=..." that goes straight to it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/describe.h"
#include "core/random_world.h"
#include "core/reference_model.h"
#include "testing/fake_transition_source.h"

namespace fusebox {
namespace {

constexpr int kSteps = 250;

// RapidCheck's default of 100 stories is few; what the environment says goes first.
const bool kConfigured = [] {
  const char* given = std::getenv("RC_PARAMS");
  const std::string params = given == nullptr ? "" : given;
  if (absl::StrContains(params, "max_success")) return true;
  return setenv("RC_PARAMS", absl::StrCat("max_success=1000 ", params).c_str(), 1) == 0;
}();

// A guard among callers that remember all of their permits.
class World {
 public:
  World(const std::vector<Policy>& policies, uint64_t random_bits) {
    for (const Policy& policy : policies) {
      policies_.push_back(std::make_unique<RulingPolicy>(policy));
    }
    source_.random_bits = random_bits;
  }
  virtual ~World() = default;

  void Live(const std::vector<Step>& steps) {
    for (const Step& step : steps) Do(step);
  }

 protected:
  // What a subclass checks or adds.
  virtual void AfterAcquire(uint32_t, const Decision&, Tick) {}
  virtual void AfterRecord(const Ending&, const Verdict&, Tick) {}
  virtual void AfterOverride(const Override*) {}
  virtual void AfterPolicyChange(const Policy&) {}
  virtual void WhileTimePasses(absl::Duration) {}
  virtual void AfterStep() {}

  void Do(const Step& step) {
    switch (step.kind) {
      case Step::kAcquire:
        Acquire(step.attempt, now_);
        break;
      case Step::kRecord:
        RecordOneOf(std::min<size_t>(permits_.size(), 4), step);
        break;
      case Step::kReplay:
        RecordOneOf(permits_.size(), step);
        break;
      case Step::kObserve:
        Observe(step);
        break;
      case Step::kPass:
        WhileTimePasses(absl::Milliseconds(step.ms));
        now_ += absl::Milliseconds(step.ms);
        break;
      case Step::kStepBack:
        Acquire(step.attempt, Tick::FromNanos(now_.nanos() - step.ms * 1'000'000));
        break;
      case Step::kOverride:
        Impose(step);
        break;
      case Step::kClear:
        guard_.Advance(ruling(), now_, source_, transitions_);
        guard_.SetOverride(nullptr);
        AfterOverride(nullptr);
        break;
      case Step::kPolicy:
        ChangePolicy(step.pick % policies_.size());
        break;
    }
    AfterStep();
  }

  void Acquire(uint32_t attempt, Tick now) {
    const Decision decision =
        guard_.Acquire(ruling(), {.attempt = attempt}, now, source_, transitions_);
    if (decision.allowed) permits_.push_back(decision.permit);
    AfterAcquire(attempt, decision, now);
  }

  // One of the last so many.
  void RecordOneOf(size_t candidates, const Step& step) {
    if (candidates == 0) return;
    Ending ending = EndingOf(step);
    ending.permit = permits_[permits_.size() - 1 - step.pick % candidates];
    Record(ending);
  }

  void Observe(const Step& step) {
    Ending ending = EndingOf(step);
    ending.calls = step.calls;
    if (step.pick % 3 == 0) ending.epoch = guard_.epoch() - step.pick % 2;
    Record(ending);
  }

  Ending EndingOf(const Step& step) {
    Ending ending{.result = Result::Of(static_cast<Outcome>(step.outcome))};
    if (step.latency_ms >= 0) ending.latency = absl::Milliseconds(step.latency_ms);
    if (step.retry_after_ms >= 0) ending.retry_after = absl::Milliseconds(step.retry_after_ms);
    ending.client = absl::string_view("abcd").substr(step.client, 1);
    return ending;
  }

  void Record(const Ending& ending) {
    AfterRecord(ending, guard_.Record(ruling(), ending, now_, source_, transitions_), now_);
  }

  void Impose(const Step& step) {
    constexpr OverrideMode kModes[] = {OverrideMode::kForcedOpen, OverrideMode::kForcedClosed,
                                       OverrideMode::kShadow, OverrideMode::kShadow};
    Override override{.mode = kModes[step.pick % 4], .reason = "why", .actor = "who"};
    if (step.ms < 60'000) override.expires = now_ + absl::Milliseconds(step.ms);
    guard_.Advance(ruling(), now_, source_, transitions_);
    guard_.SetOverride(std::make_shared<const Override>(override));
    AfterOverride(&override);
  }

  void ChangePolicy(size_t to) {
    guard_.ChangePolicy(ruling(), *policies_[to], now_, source_, transitions_);
    policy_ = to;
    AfterPolicyChange(ruling().policy);
  }

  Snapshot Look() { return guard_.TakeSnapshot(ruling(), now_, source_, transitions_); }
  const RulingPolicy& ruling() const { return *policies_[policy_]; }

  std::vector<std::unique_ptr<const RulingPolicy>> policies_;
  size_t policy_ = 0;
  Tick now_ = Tick::FromNanos(100'000'123'456'789);
  FakeTransitionSource source_;
  Transitions transitions_;
  std::vector<Permit> permits_;
  Guard guard_{source_.NextEpoch(), now_};
};

class ModelWorld : public World {
 public:
  ModelWorld(const std::vector<Policy>& policies, uint64_t random_bits)
      : World(policies, random_bits), model_(policies[0], 1, now_, random_bits) {}

 protected:
  void AfterAcquire(uint32_t attempt, const Decision& decision, Tick now) override {
    RC_ASSERT(Describe(decision) == Describe(model_.Acquire(attempt, now)));
  }
  void AfterRecord(const Ending& ending, const Verdict& verdict, Tick now) override {
    RC_ASSERT(Describe(verdict) == Describe(model_.Record(ending, now)));
  }
  void AfterOverride(const Override* override) override {
    model_.Advance(now_);
    if (override == nullptr) {
      model_.ClearOverride();
    } else {
      model_.SetOverride(*override);
    }
  }
  void AfterPolicyChange(const Policy& policy) override { model_.ChangePolicy(policy, now_); }

  // Not after each step, since to look is to advance.
  void AfterStep() override {
    if (++steps_ % 3 == 0) RC_ASSERT(Describe(Look()) == Describe(model_.Look(now_)));
    RC_ASSERT(transitions_.size() == model_.transitions.size());
    for (; compared_ < transitions_.size(); ++compared_) {
      RC_ASSERT(Describe(transitions_[compared_]) == Describe(model_.transitions[compared_]));
    }
  }

 private:
  ReferenceModel model_;
  size_t steps_ = 0;
  size_t compared_ = 0;
};

// The arithmetic that saves memory and time must not change a single answer.
RC_GTEST_PROP(GuardProperties, AgreesWithAPlainModel, ()) {
  ModelWorld world(*AnyPolicies(), *AnyRandomBits());
  world.Live(*AnySteps(kSteps));
}

// Writes down everything that it is told.
class LoggingWorld : public World {
 public:
  // If `fidgety`, it advances, looks and tidies up at many moments at which nobody asked.
  LoggingWorld(const std::vector<Policy>& policies, uint64_t random_bits, bool fidgety)
      : World(policies, random_bits), fidgety_(fidgety) {}

  std::string log;

  // What was returned in the end, whoever it was returned to.
  std::string Story() {
    guard_.Advance(ruling(), now_, source_, transitions_);
    return absl::StrCat(log, DescribeAll(transitions_), Describe(Look()));
  }

 protected:
  void AfterAcquire(uint32_t, const Decision& decision, Tick) override {
    absl::StrAppend(&log, Describe(decision), "\n");
  }
  void AfterRecord(const Ending&, const Verdict& verdict, Tick) override {
    absl::StrAppend(&log, Describe(verdict), "\n");
  }
  void WhileTimePasses(absl::Duration duration) override {
    // Both see how far time came: what comes after a step back is held against that.
    const Tick end = now_ + duration;
    if (!fidgety_) return guard_.Advance(ruling(), end, source_, transitions_);
    for (const int part : {1, 2, 5, 6}) {
      const Tick then = now_ + duration * part / 7;
      guard_.Advance(ruling(), then, source_, transitions_);
      guard_.TakeSnapshot(ruling(), then, source_, transitions_);
      guard_.Trim(ruling(), then);
      const Tick deadline = guard_.NextDeadline();
      if (deadline <= end) guard_.Advance(ruling(), deadline, source_, transitions_);
    }
    guard_.Advance(ruling(), end, source_, transitions_);
  }

 private:
  const bool fidgety_;
};

// How often the engine's timer, a watcher or the sweep comes by must not change what callers are
// told.
RC_GTEST_PROP(GuardProperties, AdvancingMoreOftenChangesNoAnswer, ()) {
  const auto policies = *AnyPolicies();
  const auto random_bits = *AnyRandomBits();
  const auto steps = *AnySteps(kSteps);
  LoggingWorld calm(policies, random_bits, false);
  LoggingWorld fidgety(policies, random_bits, true);
  calm.Live(steps);
  fidgety.Live(steps);
  RC_ASSERT(calm.Story() == fidgety.Story());
}

class PromiseWorld : public World {
 public:
  using World::World;

 protected:
  void AfterAcquire(uint32_t, const Decision& decision, Tick) override {
    RC_ASSERT(decision.allowed == (decision.reason == Reason::kNone) || decision.shadow_denied);
    RC_ASSERT(decision.retry_after >= absl::ZeroDuration());
    if (!decision.allowed) RC_ASSERT(decision.retry_after > absl::ZeroDuration());
    if (decision.allowed && decision.state == State::kOpen) RC_ASSERT(!decision.permit.votes);
    RC_ASSERT(decision.epoch >= epoch_);
    epoch_ = decision.epoch;
  }

  void AfterStep() override {
    const Snapshot snapshot = Look();
    RC_ASSERT(snapshot.probes <= ruling().policy.circuit_breaker.max_probes);
    RC_ASSERT(snapshot.window.failures <= snapshot.window.calls);
    RC_ASSERT(snapshot.window.slow <= snapshot.window.calls);
    RC_ASSERT(snapshot.score >= 0 && snapshot.score <= 1);
    RC_ASSERT(snapshot.epoch == guard_.epoch() && snapshot.state == guard_.state());
    RC_ASSERT(guard_.NextDeadline() > now_);
    CheckTransitions();
    RC_ASSERT(snapshot.totals.transitions == transitions_.size());
    RC_ASSERT(snapshot.state == (transitions_.empty() ? State::kClosed : transitions_.back().to));
  }

  // Each exactly once, in order, and each following from the one before.
  void CheckTransitions() {
    for (; checked_ < transitions_.size(); ++checked_) {
      const Transition& t = transitions_[checked_];
      const Transition* before = checked_ == 0 ? nullptr : &transitions_[checked_ - 1];
      RC_ASSERT(t.number == checked_ + 1);
      RC_ASSERT(t.from == (before ? before->to : State::kClosed));
      RC_ASSERT(t.epoch > (before ? before->epoch : 1));
      // In parentheses: RapidCheck takes expressions apart, and || would not stop half-way.
      RC_ASSERT((before == nullptr || t.time >= before->time));
      RC_ASSERT((t.open_for > absl::ZeroDuration()) == (t.to == State::kOpen));
      RC_ASSERT(t.open_for <= ruling().policy.circuit_breaker.max_open_duration);
      const bool around = (t.from == State::kClosed && t.to == State::kOpen) ||
                          (t.from == State::kOpen && t.to == State::kHalfOpen) ||
                          (t.from == State::kHalfOpen && t.to != State::kHalfOpen);
      RC_ASSERT(around);
    }
  }

  uint64_t epoch_ = 0;
  size_t checked_ = 0;
};

// What is promised, for one policy: it holds at every moment and not only in the end.
RC_GTEST_PROP(GuardProperties, KeepsItsPromisesAtEveryStep, ()) {
  PromiseWorld world({*AnyPolicy()}, *AnyRandomBits());
  world.Live(*AnySteps(kSteps));
}

class ProbingWorld : public World {
 public:
  explicit ProbingWorld(const Policy& policy) : World({policy}, 0) {
    Record({.result = Result::Of(Outcome::kFailure), .client = "a", .calls = 1'000});
    Record({.result = Result::Of(Outcome::kFailure), .client = "b", .calls = 1'000});
    Record({.result = Result::Of(Outcome::kFailure), .client = "c", .calls = 1'000});
  }
  State state() const { return guard_.state(); }

  // A caller asks again and again; what becomes of its calls is given, or they are lost.
  void Probe(const std::vector<int>& fates) {
    const CircuitBreakerPolicy& policy = ruling().policy.circuit_breaker;
    now_ += Look().retry_after;
    const uint64_t epoch = Look().epoch;
    RC_ASSERT(state() == State::kHalfOpen);
    const Tick start = now_;
    for (size_t i = 0; guard_.epoch() == epoch; ++i) {
      const Decision decision = guard_.Acquire(ruling(), {}, now_, source_, transitions_);
      if (guard_.epoch() != epoch) break;
      RC_ASSERT(decision.allowed || decision.reason == Reason::kProbesBusy);
      if (decision.allowed && fates[i % fates.size()] > 0) {
        Record({.permit = decision.permit, .result = Result::Of(Outcome::kSuccess)});
      }
      now_ += policy.probe_timeout / 4;
      RC_ASSERT(now_ - start <=
                policy.success_threshold * policy.max_probes * 2 * policy.probe_timeout);
    }
  }
};

// A breaker with traffic cannot stay half-open, whichever of its probes are lost.
RC_GTEST_PROP(GuardProperties, ABreakerWithTrafficLeavesHalfOpen, ()) {
  Policy policy = *AnyPolicy();
  policy.circuit_breaker.consecutive_failures = 1;
  policy.circuit_breaker.min_failing_clients = 1;  // A window of few calls may hold no quorum.
  ProbingWorld world(policy);
  RC_ASSERT(world.state() == State::kOpen);
  world.Probe(*rc::gen::container<std::vector<int>>(37, rc::gen::inRange(0, 2)));
}

// A story only tests what happens in it: enough of them must go through every cause.
TEST(GuardPropertiesTest, StoriesReachEveryCause) {
  class CountingWorld : public World {
   public:
    using World::World;
    const Transitions& transitions() const { return transitions_; }
  };
  std::vector<int> seen(9);
  rc::Random random(20240229);
  for (int i = 0; i < 300; ++i) {
    CountingWorld world(AnyPolicies()(random.split(), 100).value(), 0);
    world.Live(AnySteps(kSteps)(random.split(), 100).value());
    for (const Transition& transition : world.transitions()) {
      ++seen[static_cast<size_t>(transition.cause)];
    }
  }
  for (size_t cause = 1; cause < seen.size(); ++cause) EXPECT_GT(seen[cause], 10) << cause;
}

}  // namespace
}  // namespace fusebox
