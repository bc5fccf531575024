// Callers that race for places, tokens, keys and retries. Bounded, without sleeps; to be run under
// ThreadSanitizer.
#include <array>
#include <atomic>
#include <barrier>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

constexpr int kCallers = 8;
constexpr int kRounds = 200;   // Callers wait for each other between rounds, so that all of them
constexpr int kSteps = 20;     // live at one time. So many steps of each caller in a round,
constexpr int kPassEvery = 4;  // and time passes with each so many of the first one's.
constexpr size_t kMoments = kRounds * kSteps / kPassEvery;
constexpr absl::Duration kMoment = absl::Milliseconds(1);

constexpr size_t kBreakers = 3;
constexpr int kPlaces = 3;
constexpr uint32_t kBurst = 20;
constexpr uint32_t kTokensPerMoment = 2;
constexpr size_t kKeys = 12;
constexpr absl::Duration kRemembered = absl::Milliseconds(20);
constexpr uint32_t kRetriesPerSecond = 2;
constexpr absl::Duration kBudgetWindow = absl::Minutes(1);  // Longer than all of it takes.

Policy Limited() {
  Policy policy;
  policy.circuit_breaker.consecutive_failures = 0;
  policy.circuit_breaker.failure_rate_threshold = Share();
  policy.bulkhead = {.max_concurrent = kPlaces, .lease_timeout = absl::Hours(1)};
  policy.rate_limit = {.rate = kTokensPerMoment, .per = kMoment, .burst = kBurst};
  policy.idempotency = {.ttl = kRemembered, .max_keys = 100};
  policy.shared_retry_budget = "fleet";
  return policy;
}

// What all callers know of one breaker. A call counts as out from after it was allowed until before
// it is reported: for less long than it is, so that no count is too high.
struct Common {
  std::string name;
  std::atomic<int> out{0};
  std::array<std::atomic<int>, kKeys> out_with_key{};
  std::array<std::atomic<int64_t>, kKeys> known_until{};  // In nanoseconds.
};

// A call that was allowed at some time between these two.
struct Grant {
  size_t breaker;
  Tick after;
  Tick before;
};

// One client: asks, with or without a key, for first attempts, retries and hedges; keeps a few
// calls out and reports them in any order.
class Caller {
 public:
  Caller(Engine& engine, const FakeClock& clock, std::array<Common, kBreakers>& common,
         uint32_t seed)
      : engine_(engine), clock_(clock), common_(common), random_(seed) {}

  void Step() {
    if (!calls_.empty() && Below(3) == 0) return Report();
    Ask();
  }
  void Finish() {
    while (!calls_.empty()) Report();
  }

  std::vector<Grant> grants;
  std::array<uint64_t, kBreakers> with_key{};  // Of the grants.
  std::array<int, 10> refused{};               // By reason.
  uint64_t retries = 0;
  uint64_t earned = 0;
  int mistakes = 0;  // Answers that must not be.

 private:
  struct Call {
    size_t breaker;
    std::optional<size_t> key;
    std::string permit;
  };

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  void Ask() {
    const size_t breaker = Below(kBreakers);
    std::optional<size_t> key;
    if (Below(2) == 0) key = Below(kKeys);
    const std::string name = key.has_value() ? absl::StrCat("order-", *key) : "";
    const Question question{.attempt = Below(5) == 0 ? 2u : 1u,
                            .hedge = Below(10) == 0,
                            .idempotency_key = name,
                            .retry_unknown = Below(2) == 0};
    const Tick before = clock_.Now();
    const absl::StatusOr<AllowAnswer> answer =
        engine_.Allow(common_[breaker].name, question, "client");
    mistakes += !answer.ok();
    if (!answer.ok()) return;
    const Decision& decision = answer->decision;
    if (!decision.allowed) {
      mistakes += decision.reason == Reason::kNone;
      ++refused[static_cast<size_t>(decision.reason)];
      return;
    }
    grants.push_back({breaker, before, clock_.Now()});
    retries += question.IsExtra();
    calls_.push_back({breaker, key, std::string(answer->permit.bytes())});
    NoteOut(calls_.back());
  }

  void NoteOut(const Call& call) {
    Common& common = common_[call.breaker];
    mistakes += common.out.fetch_add(1) + 1 > kPlaces;
    if (!call.key.has_value()) return;
    ++with_key[call.breaker];
    mistakes += common.out_with_key[*call.key].exchange(1) != 0;
    // A call that succeeded is not made again while it is remembered.
    mistakes += clock_.Now().nanos() < common.known_until[*call.key].load();
  }

  void NoteBack(const Call& call, Outcome outcome) {
    Common& common = common_[call.breaker];
    common.out.fetch_sub(1);
    if (!call.key.has_value()) return;
    if (outcome == Outcome::kSuccess) {
      common.known_until[*call.key].store((clock_.Now() + kRemembered).nanos());
    }
    common.out_with_key[*call.key].store(0);
  }

  void Report() {
    std::swap(calls_[Below(static_cast<uint32_t>(calls_.size()))], calls_.back());
    const Call call = std::move(calls_.back());
    calls_.pop_back();
    const auto outcome = static_cast<Outcome>(Below(6));
    NoteBack(call, outcome);
    const absl::StatusOr<Verdict> verdict =
        engine_.Record(common_[call.breaker].name, call.permit, {.result = Result::Of(outcome)});
    mistakes += !verdict.ok() || verdict->counted == Counted::kRepeated;
    if (verdict.ok()) earned += verdict->earned_calls;
  }

  Engine& engine_;
  const FakeClock& clock_;
  std::array<Common, kBreakers>& common_;
  std::mt19937 random_;
  std::vector<Call> calls_;
};

class LimitsRaceTest : public EngineTest {
 protected:
  LimitsRaceTest() {
    SetPolicies({Limited()}, {{"fleet",
                               {.retry_ratio = Share::FromFraction(0.1),
                                .min_retries_per_second = kRetriesPerSecond,
                                .window = kBudgetWindow}}});
    for (size_t i = 0; i < kBreakers; ++i) common_[i].name = absl::StrCat("db/", i);
  }

  void Race(uint32_t seed) {
    for (int i = 0; i < kCallers; ++i) {
      callers_.push_back(std::make_unique<Caller>(engine_, clock_, common_, seed + i));
    }
    std::barrier<> together(kCallers);
    std::vector<std::thread> threads;
    for (int i = 0; i < kCallers; ++i) {
      threads.emplace_back([this, i, &together] {
        for (int round = 0; round < kRounds; ++round) {
          together.arrive_and_wait();
          LiveThroughRound(*callers_[i], /*moves_time=*/i == 0);
        }
        callers_[i]->Finish();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void LiveThroughRound(Caller& caller, bool moves_time) {
    for (int step = 0; step < kSteps; ++step) {
      caller.Step();
      if (moves_time && step % kPassEvery == 0) Pass(kMoment);
    }
  }

  size_t MomentOf(Tick time) const { return static_cast<size_t>((time - start_) / kMoment); }

  // In how many stretches of time more calls of a breaker were surely allowed than its burst and
  // the tokens of each moment.
  int CountExcesses(size_t breaker) const {
    std::vector<std::vector<size_t>> ends(kMoments + 1);  // By the moment that they began after.
    for (const auto& caller : callers_) {
      for (const Grant& grant : caller->grants) {
        if (grant.breaker != breaker) continue;
        ends[MomentOf(grant.after)].push_back(MomentOf(grant.before));
      }
    }
    int excesses = 0;
    std::vector<size_t> allowed(kMoments + 1);  // After `from`, by the moment they were before.
    for (size_t from = kMoments + 1; from-- > 0;) {
      for (const size_t end : ends[from]) ++allowed[end];
      size_t sum = 0;
      for (size_t to = from; to <= kMoments; ++to) {
        sum += allowed[to];
        excesses += sum > kBurst + kTokensPerMoment * (to - from);
      }
    }
    return excesses;
  }

  // What the breaker counted is what its callers were told.
  void ExpectExactCounts(size_t breaker) {
    uint64_t granted = 0, with_key = 0;
    for (const auto& caller : callers_) {
      for (const Grant& grant : caller->grants) granted += grant.breaker == breaker;
      with_key += caller->with_key[breaker];
    }
    const Snapshot snapshot = Look(common_[breaker].name);
    EXPECT_GT(granted, kBurst);
    EXPECT_EQ(snapshot.totals.calls, granted);
    EXPECT_EQ(snapshot.bulkhead->granted, granted);
    EXPECT_EQ(snapshot.bulkhead->in_use, 0u);
    EXPECT_EQ(snapshot.rate_limit->granted, granted);
    EXPECT_EQ(snapshot.idempotency->begun, with_key);
  }

  const Tick start_ = clock_.Now();
  std::array<Common, kBreakers> common_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

// Whatever races: no part grants more than it has, and what is refused late is given back whole.
TEST_F(LimitsRaceTest, NoLimitIsEverPassed) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  Race(seed);

  uint64_t retries = 0, earned = 0;
  std::array<int, 10> refused{};
  for (const auto& caller : callers_) {
    EXPECT_EQ(caller->mistakes, 0);
    retries += caller->retries;
    earned += caller->earned;
    for (size_t reason = 0; reason < refused.size(); ++reason) {
      refused[reason] += caller->refused[reason];
    }
  }
  for (size_t i = 0; i < kBreakers; ++i) {
    EXPECT_EQ(CountExcesses(i), 0);
    ExpectExactCounts(i);
  }

  const BudgetStatus budget = engine_.Budgets().front();
  const int64_t reserve = kRetriesPerSecond * absl::ToInt64Seconds(kBudgetWindow) * 1'000;
  EXPECT_EQ(budget.spent, retries);
  EXPECT_EQ(budget.balance,
            reserve + 100 * static_cast<int64_t>(earned) - 1'000 * static_cast<int64_t>(retries));
  EXPECT_GE(budget.balance, 0);

  // A race says something about a limit only where that has refused.
  for (const Reason reason :
       {Reason::kBulkhead, Reason::kRateLimit, Reason::kDuplicate, Reason::kRetryBudget}) {
    EXPECT_GT(refused[static_cast<size_t>(reason)], 0) << static_cast<int>(reason);
  }
}

}  // namespace
}  // namespace fusebox
