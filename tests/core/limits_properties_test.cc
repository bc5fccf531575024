// Random stories of a whole breaker with limits: against what its callers know, and against a twin.
//
// Each run prints its seed; RC_PARAMS="seed=..." tells the same stories again, and a failure prints
// the RC_PARAMS="reproduce=..." that goes straight to it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "core/limits_model.h"
#include "core/random_limits.h"
#include "testing/fake_transition_source.h"

namespace fusebox {
namespace {

constexpr int kEvents = 300;

// A guard among callers whose permits come back in any order, twice, late or never.
class World {
 public:
  explicit World(const std::vector<LimitedPolicy>& policies) : policies_(RulingsOf(policies)) {}

  void Live(const std::vector<Event>& events) {
    for (const Event& event : events) {
      Do(event);
      const Snapshot snapshot = Take();
      const BulkheadStatus bulkhead = snapshot.bulkhead.value_or(BulkheadStatus());
      RC_ASSERT(bulkhead.in_use == model_.places());
      // Every question was either granted or refused, and none was both.
      RC_ASSERT(snapshot.totals.calls + snapshot.totals.refused == asked_);
    }
  }

  // How often a question was refused, by reason.
  const std::array<int, 10>& refused() const { return refused_by_; }
  int shadow_denied() const { return shadow_denied_; }
  int refused_later() const { return refused_later_; }

 private:
  // One that was granted and has not come back.
  struct Call {
    Question question;
    Decision decision;
    bool pays_later = false;  // A shared budget has yet to be asked.
  };

  using Rulings = std::vector<std::unique_ptr<RulingPolicy>>;

  static Rulings RulingsOf(const std::vector<LimitedPolicy>& policies) {
    Rulings rulings;
    for (const LimitedPolicy& limited : policies) {
      rulings.push_back(std::make_unique<RulingPolicy>(limited.policy));
    }
    return rulings;
  }

  const RulingPolicy& Ruling() const { return *policies_[current_]; }
  const Policy& policy() const { return Ruling().policy; }
  Snapshot Take() { return guard_.TakeSnapshot(Ruling(), now_, source_, transitions_); }
  Holdings Look() { return StandingOf(Take()); }
  bool IsShadow() const {
    return guard_.override() != nullptr && guard_.override()->mode == OverrideMode::kShadow;
  }

  void Do(const Event& event) {
    switch (event.kind) {
      case Event::kAsk:
        return Ask(event);
      case Event::kRecord:
        return Record(event);
      case Event::kReplay:
        return Replay(event);
      case Event::kRefuse:
        return RefuseLater(event);
      case Event::kPass:
        return Pass(absl::Milliseconds(event.ms));
      case Event::kPolicy:
        return ChangePolicy(event.pick % policies_.size());
      case Event::kReset:
        return Reset();
      case Event::kOverride:
        return Impose(event.pick % 6);
      case Event::kTrim:
        return Trim();
    }
  }

  void Ask(const Event& event) {
    const Question question = QuestionOf(event);
    const Holdings before = Look();
    const Decision decision = guard_.Acquire(Ruling(), question, now_, source_, transitions_);
    ++asked_;
    if (decision.allowed && !decision.shadow_denied) return BeGranted(event, decision, before);
    BeRefused(question, decision, before);
  }

  void BeRefused(const Question& question, const Decision& decision, const Holdings& before) {
    RC_ASSERT(decision.reason != Reason::kNone);
    RC_ASSERT(decision.allowed == IsShadow());
    ++refused_by_[static_cast<size_t>(decision.reason)];
    shadow_denied_ += decision.shadow_denied;
    // Nothing was spent, whatever was asked before the part that refused.
    ExpectStanding(before, Look());
    if (decision.allowed) calls_.push_back({question, decision});
  }

  void BeGranted(const Event& event, const Decision& decision, const Holdings& before) {
    const Question question = QuestionOf(event);
    ExpectSpent(question, decision, before);
    model_.Grant(question, decision.permit.id());
    const bool shared = question.IsExtra() && !Limits::HasPrivateBudget(policy());
    calls_.push_back({question, decision, shared});
    if (!shared || event.pick % 2 == 0) return;
    Refuse(calls_.size() - 1);
    ExpectStanding(before, Look());
  }

  // What is asked of each part was taken from it, and no more.
  void ExpectSpent(const Question& question, const Decision& decision, const Holdings& before) {
    const Holdings after = Look();
    Holdings expected = before;
    expected.probes += decision.probe;
    if (policy().bulkhead.on()) {
      ++expected.places;
      ++expected.places_granted;
    }
    if (policy().rate_limit.on()) {
      RC_ASSERT(before.tokens > 0u);
      --expected.tokens;
      ++expected.tokens_granted;
    }
    if (policy().idempotency.on() && !question.idempotency_key.empty()) {
      // One whose end is unknown is remembered already.
      const bool again = question.retry_unknown && after.keys == before.keys;
      expected.keys += again ? 0 : 1;
      ++expected.begun;
    }
    if (question.IsExtra() && Limits::HasPrivateBudget(policy())) {
      RC_ASSERT(before.balance >= RetryBudget::kOneRetry);
      expected.balance -= RetryBudget::kOneRetry;
      ++expected.spent;
    }
    ExpectStanding(expected, after);
  }

  Call TakeOut(size_t which) {
    std::swap(calls_[which], calls_.back());
    const Call call = calls_.back();
    calls_.pop_back();
    return call;
  }

  // A shared budget says no.
  void Refuse(size_t which) {
    const Call call = TakeOut(which);
    const Decision decision = guard_.Refuse(Ruling(), call.question, call.decision,
                                            {Reason::kRetryBudget, absl::Milliseconds(100)});
    model_.GiveBack(call.decision.permit.id());
    RC_ASSERT(decision.reason == Reason::kRetryBudget);
    RC_ASSERT(decision.allowed == IsShadow());
    over_.push_back(call.decision.permit);
    if (decision.allowed) calls_.push_back({call.question, decision});
  }

  // The same after a while: the breaker was unlocked in between.
  void RefuseLater(const Event& event) {
    for (size_t i = 0; i < calls_.size(); ++i) {
      const size_t which = (event.pick + i) % calls_.size();
      if (!calls_[which].pays_later) continue;
      ++refused_later_;
      return Refuse(which);
    }
  }

  void Record(const Event& event) {
    if (calls_.empty()) return;
    const Call call = TakeOut(event.pick % calls_.size());
    const Permit& permit = call.decision.permit;
    const auto outcome = static_cast<Outcome>(event.outcome);
    const Verdict verdict =
        guard_.Record(Ruling(), {.permit = permit, .result = Result::Of(outcome), .client = "a"},
                      now_, source_, transitions_);
    RC_ASSERT(verdict.counted != Counted::kRepeated);
    model_.End(permit.id());
    over_.push_back(permit);
  }

  // What came back, or was refused in the end, says nothing again and frees nothing of others.
  void Replay(const Event& event) {
    if (over_.empty()) return;
    const Permit& permit = over_[event.pick % over_.size()];
    const Holdings before = Look();
    const auto outcome = static_cast<Outcome>(event.outcome);
    const Verdict verdict =
        guard_.Record(Ruling(), {.permit = permit, .result = Result::Of(outcome), .client = "a"},
                      now_, source_, transitions_);
    RC_ASSERT(verdict.counted != Counted::kCounted);
    RC_ASSERT(verdict.earned_calls == 0u);
    ExpectStanding(before, Look());
  }

  void Pass(absl::Duration pause) {
    now_ += pause;
    model_.Pass(now_);
  }

  // No two things happen at one time: what was taken before was taken from the old numbers.
  void Tell() { Pass(absl::Nanoseconds(1)); }

  void ChangePolicy(size_t to) {
    Tell();
    guard_.ChangePolicy(Ruling(), *policies_[to], now_, source_, transitions_);
    current_ = to;
    model_.ChangePolicy(policy());
  }

  void Reset() {
    Tell();
    Holdings expected = Look();
    guard_.Reset(Ruling(), now_, source_, transitions_);
    model_.Reset();
    // As new, but for what is out.
    const RateLimitPolicy& limit = policy().rate_limit;
    expected.tokens = limit.burst == 0 || !limit.on() ? limit.rate : limit.burst;
    expected.balance =
        RetryBudget(policy().retry_budget, now_).Balance(policy().retry_budget, now_);
    expected.probes = 0;
    expected.tokens_granted = expected.spent = 0;
    ExpectStanding(expected, Look());
  }

  void Impose(uint32_t which) {
    guard_.Advance(Ruling(), now_, source_, transitions_);
    guard_.SetOverride(nullptr);
    if (which > 2) return;
    const Override override{.mode = static_cast<OverrideMode>(which)};
    guard_.SetOverride(std::make_shared<const Override>(override));
  }

  // No answer may depend on it.
  void Trim() {
    const Holdings before = Look();
    guard_.Trim(Ruling(), now_);
    ExpectStanding(before, Look());
  }

  const Rulings policies_;
  size_t current_ = 0;
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  FakeTransitionSource source_;
  Transitions transitions_;
  Guard guard_{source_.NextEpoch(), now_};
  LimitsModel model_{policies_.front()->policy, now_};
  std::vector<Call> calls_;
  std::vector<Permit> over_;
  uint64_t asked_ = 0;
  std::array<int, 10> refused_by_{};
  int shadow_denied_ = 0;
  int refused_later_ = 0;
};

// Whatever happens in whichever order: never more out than the bulkhead has places, nor more made
// than the rate limit grants, nor two with one key; and what refuses leaves everything as it was.
RC_GTEST_PROP(LimitsProperties, KeepsItsPromisesAtEveryEvent, ()) {
  World world(*AnyLimitedPolicies());
  world.Live(*AnyEvents(kEvents));
}

// The same question to two breakers, of which one is asked more often, in vain.
class Twins {
 public:
  explicit Twins(const Policy& policy) : ruling_(policy) {}

  void Do(const Event& event) {
    // Without a budget, each of them is refused in the end, whatever the other parts grant it.
    for (uint32_t i = 0; i < event.pick % 3; ++i) {
      Event vain = event;
      vain.attempt = 2;
      vain.key = (event.key + i) % 5;
      RC_ASSERT(!fidgety_.Ask(ruling_, QuestionOf(vain), now_).allowed);
    }
    switch (event.kind) {
      case Event::kAsk:
        return Ask(event);
      case Event::kRecord:
      case Event::kReplay:
        return Record(event);
      default:
        now_ += absl::Milliseconds(event.ms);
    }
  }

  void Compare() {
    ExpectStanding(StandingOf(calm_.Take(ruling_, now_)), StandingOf(fidgety_.Take(ruling_, now_)));
  }

 private:
  struct Twin {
    Decision Ask(const RulingPolicy& ruling, const Question& question, Tick now) {
      return guard.Acquire(ruling, question, now, source, transitions);
    }
    Snapshot Take(const RulingPolicy& ruling, Tick now) {
      return guard.TakeSnapshot(ruling, now, source, transitions);
    }
    Verdict Record(const RulingPolicy& ruling, size_t which, Outcome outcome, Tick now) {
      return guard.Record(ruling, {.permit = permits[which], .result = Result::Of(outcome)}, now,
                          source, transitions);
    }

    FakeTransitionSource source;
    Transitions transitions;
    Guard guard{source.NextEpoch(), Tick()};
    std::vector<Permit> permits;
  };

  void Ask(const Event& event) {
    const Decision calm = calm_.Ask(ruling_, QuestionOf(event), now_);
    const Decision fidgety = fidgety_.Ask(ruling_, QuestionOf(event), now_);
    RC_ASSERT(calm.allowed == fidgety.allowed);
    RC_ASSERT(calm.probe == fidgety.probe);
    const bool same_reason = calm.reason == fidgety.reason && calm.first == fidgety.first;
    RC_ASSERT(same_reason);
    RC_ASSERT(calm.retry_after == fidgety.retry_after);
    if (!calm.allowed) return;
    calm_.permits.push_back(calm.permit);
    fidgety_.permits.push_back(fidgety.permit);
  }

  void Record(const Event& event) {
    if (calm_.permits.empty()) return;
    const size_t which = event.pick % calm_.permits.size();
    const auto outcome = static_cast<Outcome>(event.outcome);
    const Verdict calm = calm_.Record(ruling_, which, outcome, now_);
    const Verdict fidgety = fidgety_.Record(ruling_, which, outcome, now_);
    const bool same = calm.counted == fidgety.counted && calm.state == fidgety.state;
    RC_ASSERT(same);
  }

  const RulingPolicy ruling_;
  Tick now_ = Tick::FromNanos(1'000'000'000);
  Twin calm_;
  Twin fidgety_;
};

// A refusal gives back so exactly that nobody can ever tell that there was one.
RC_GTEST_PROP(LimitsProperties, ARefusedRetryLeavesNoTrace, ()) {
  Policy policy = (*AnyLimitedPolicy()).policy;
  policy.shared_retry_budget.clear();
  policy.retry_budget = {.retry_ratio = Share(), .min_retries_per_second = 0};
  // To ask is what a ramp counts.
  policy.circuit_breaker.ramp_duration = absl::ZeroDuration();
  Twins twins(policy);
  for (const Event& event : *AnyEvents(kEvents)) {
    twins.Do(event);
    twins.Compare();
  }
}

// A story only tests what happens in it: enough of them must be refused for every reason.
TEST(LimitsPropertiesTest, StoriesReachEveryRefusal) {
  std::array<int, 10> refused{};
  int shadow_denied = 0, refused_later = 0;
  rc::Random random(20240229);
  for (int i = 0; i < 300; ++i) {
    World world(AnyLimitedPolicies()(random.split(), 100).value());
    world.Live(AnyEvents(kEvents)(random.split(), 100).value());
    for (size_t reason = 0; reason < refused.size(); ++reason) {
      refused[reason] += world.refused()[reason];
    }
    shadow_denied += world.shadow_denied();
    refused_later += world.refused_later();
  }
  for (size_t reason = 1; reason < refused.size(); ++reason) {
    EXPECT_GT(refused[reason], 10) << reason;
  }
  EXPECT_GT(shadow_denied, 10);
  EXPECT_GT(refused_later, 10);
}

}  // namespace
}  // namespace fusebox
