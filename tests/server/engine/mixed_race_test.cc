// Every use case at once. Bounded, without sleeps; to be run under ThreadSanitizer.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

constexpr int kCallers = 4;
constexpr int kSteps = 4'000;    // Of each caller.
constexpr int kChanges = 300;    // Of policies and overrides.
constexpr int kMoments = 4'000;  // Of 10 ms each: 40 s, less than the budget's window.
constexpr uint32_t kRetriesPerSecond = 2;
constexpr absl::Duration kBudgetWindow = absl::Minutes(1);

std::vector<NamedBudget> Budget(const std::string& name) {
  return {{name,
           {.retry_ratio = Share(),
            .min_retries_per_second = kRetriesPerSecond,
            .window = kBudgetWindow}}};
}

Policy Flapping(uint32_t failures) {
  Policy policy;
  policy.circuit_breaker.consecutive_failures = failures;
  policy.circuit_breaker.open_duration = absl::Milliseconds(20);
  policy.circuit_breaker.probe_timeout = absl::Milliseconds(50);
  policy.circuit_breaker.success_threshold = 1;
  policy.shared_retry_budget = "fleet";
  return policy;
}

// One client: asks, reports most of it, now and then twice, and drops the rest. It never sees a
// breaker's epoch go back.
class Caller {
 public:
  Caller(Engine& engine, uint32_t seed) : engine_(engine), random_(seed) {}

  void Run() {
    for (int i = 0; i < kSteps; ++i) Step();
  }

  uint64_t granted = 0;
  uint64_t reported = 0;
  uint64_t retries = 0;
  int mistakes = 0;  // Answers that must not be.

 private:
  struct Call {
    std::string breaker;
    std::string permit;
  };

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  // Three that are busy, and many that come and go.
  std::string SomeBreaker() {
    return Below(10) != 0 ? absl::StrCat("busy/", Below(3)) : absl::StrCat("rare/", Below(40));
  }

  void See(const std::string& breaker, uint64_t epoch) {
    uint64_t& last = seen_[breaker];
    mistakes += epoch < last;
    last = epoch;
  }

  void Step() {
    switch (Below(8)) {
      case 0:
        return LookAt(SomeBreaker());
      case 1:
        return ListAll();
      case 2:
      case 3:
      case 4:
        if (!calls_.empty()) return Report();
        [[fallthrough]];
      default:
        return Ask(SomeBreaker(), Below(5) == 0 ? 2 : 1);
    }
  }

  void Ask(const std::string& breaker, uint32_t attempt) {
    const absl::StatusOr<AllowAnswer> answer =
        engine_.Allow(breaker, {.attempt = attempt}, "client");
    mistakes += !answer.ok();
    if (!answer.ok()) return;
    See(breaker, answer->decision.epoch);
    if (!answer->decision.allowed) {
      mistakes += answer->decision.reason == Reason::kNone;
      return;
    }
    ++granted;
    retries += attempt > 1 && !answer->decision.shadow_denied;
    calls_.push_back({breaker, std::string(answer->permit.bytes())});
  }

  void Report() {
    const size_t which = Below(static_cast<uint32_t>(calls_.size()));
    std::swap(calls_[which], calls_.back());
    const Call call = std::move(calls_.back());
    calls_.pop_back();
    if (Below(20) == 0) return;  // The holder died.
    const Ending ending{.result =
                            Result::Of(Below(3) == 0 ? Outcome::kSuccess : Outcome::kFailure)};
    const absl::StatusOr<Verdict> verdict = engine_.Record(call.breaker, call.permit, ending);
    mistakes += !verdict.ok() || verdict->counted == Counted::kRepeated;
    if (!verdict.ok()) return;
    ++reported;
    if (verdict->epoch != 0) See(call.breaker, verdict->epoch);  // 0: it was forgotten.
    if (Below(10) != 0) return;
    const absl::StatusOr<Verdict> again = engine_.Record(call.breaker, call.permit, ending);
    mistakes += !again.ok() || again->counted == Counted::kCounted;
    ++reported;
  }

  void LookAt(const std::string& breaker) {
    const absl::StatusOr<BreakerView> view = engine_.Get(breaker);
    if (!view.ok()) {
      mistakes += view.status().code() != absl::StatusCode::kNotFound;
      return;
    }
    See(breaker, view->snapshot.epoch);
    // A holder that died holds no slot for ever; 3 is max_probes.
    mistakes += view->snapshot.probes > 3;
  }

  void ListAll() {
    Slot cursor = 0;
    std::map<std::string, uint64_t> met;
    for (const BreakerView& view : engine_.List(Glob::All(), 100, cursor)) {
      See(view.name, view.snapshot.epoch);
      // Twice only if it was forgotten and made again on the way.
      const auto [place, is_new] = met.emplace(view.name, view.snapshot.epoch);
      mistakes += !is_new && place->second == view.snapshot.epoch;
    }
  }

  Engine& engine_;
  std::mt19937 random_;
  std::vector<Call> calls_;
  std::map<std::string, uint64_t> seen_;
};

class MixedRaceTest : public EngineTest {
 protected:
  MixedRaceTest() : EngineTest({.idle_ttl = absl::Milliseconds(200), .max_events = 100'000}) {
    SetPolicies({Flapping(3)}, Budget("fleet"));
  }

  // Time goes on, and the engine with it.
  void Maintain() {
    for (int i = 0; i < kMoments; ++i) Pass(absl::Milliseconds(10));
  }

  void ChangePolicies() {
    for (int i = 0; i < kChanges; ++i) {
      mistakes_ += !engine_.SetPolicies({Flapping(i % 2 == 0 ? 3 : 5)}, Budget("fleet")).ok();
    }
  }

  void ChangeOverrides() {
    for (int i = 0; i < kChanges; ++i) {
      const std::string breaker = absl::StrCat("busy/", i % 3);
      const Override override{.mode = static_cast<OverrideMode>(i % 3),
                              .expires = clock_.Now() + absl::Milliseconds(30)};
      mistakes_ += !engine_.SetOverride(breaker, override).ok();
      // Another thread may have been faster.
      const absl::Status cleared = i % 2 == 0 ? engine_.ClearOverride(breaker) : absl::OkStatus();
      mistakes_ += !cleared.ok() && !absl::IsNotFound(cleared);
    }
  }

  std::atomic<int> mistakes_{0};
};

uint64_t SumOf(const CounterTotals& totals, uint64_t& transitions) {
  uint64_t recorded = 0;
  for (const auto& outcome : totals.recorded) {
    for (const uint64_t cell : outcome) recorded += cell;
  }
  for (const auto& from : totals.transitions) {
    for (const auto& to : from) {
      for (const uint64_t cell : to) transitions += cell;
    }
  }
  return recorded;
}

// Whatever happens at once: nothing is granted or counted that was not, no budget is overspent, no
// epoch goes back, and every transition is told exactly once.
TEST_F(MixedRaceTest, EverythingAtOnceKeepsThePromises) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::vector<std::unique_ptr<Caller>> callers;
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    callers.push_back(std::make_unique<Caller>(engine_, seed + i));
    threads.emplace_back([&caller = *callers.back()] { caller.Run(); });
  }
  threads.emplace_back([this] { Maintain(); });
  threads.emplace_back([this] { ChangePolicies(); });
  threads.emplace_back([this] { ChangeOverrides(); });
  for (std::thread& thread : threads) thread.join();

  uint64_t granted = 0, reported = 0, retries = 0;
  for (const auto& caller : callers) {
    mistakes_ += caller->mistakes;
    granted += caller->granted;
    reported += caller->reported;
    retries += caller->retries;
  }
  EXPECT_EQ(mistakes_, 0);

  uint64_t transitions = 0;
  const CounterTotals totals = engine_.counters();
  EXPECT_EQ(SumOf(totals, transitions), reported);
  EXPECT_EQ(totals.allowed, granted);
  EXPECT_EQ(transitions, engine_.transitions());
  const std::vector<Event> events = engine_.events().After(0, 1'000'000);
  EXPECT_EQ(events.size(), engine_.events().last_number());
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const Event& event) { return event.override == nullptr; }),
            static_cast<int64_t>(transitions));
  EXPECT_GT(transitions, 0u);

  const BudgetStatus budget = engine_.Budgets().front();
  EXPECT_EQ(budget.spent, retries);
  EXPECT_LE(budget.spent, kRetriesPerSecond * absl::ToInt64Seconds(kBudgetWindow));
}

// All policies and budgets are replaced, or none: whoever sets them last has set both.
TEST_F(MixedRaceTest, PoliciesAndBudgetsAreReplacedTogether) {
  constexpr int kRounds = 2'000;
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const auto judge = [this]() noexcept {
    Allow();
    mistakes_ += View().budget.name != engine_.Budgets().front().name;
  };
  std::barrier<decltype(judge)> together(static_cast<std::ptrdiff_t>(names.size()), judge);
  std::vector<std::thread> threads;
  for (const std::string& name : names) {
    threads.emplace_back([this, &name, &together] {
      Policy policy;
      policy.shared_retry_budget = name;
      for (int i = 0; i < kRounds; ++i) {
        mistakes_ += !engine_.SetPolicies({policy}, Budget(name)).ok();
        together.arrive_and_wait();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(mistakes_, 0);
}

}  // namespace
}  // namespace fusebox
