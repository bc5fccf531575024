// A fleet that races at the end of a wait. Bounded, without sleeps; to be run under
// ThreadSanitizer.
#include <atomic>
#include <barrier>
#include <thread>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

constexpr int kClients = 64;
constexpr int kRounds = 1'000;
constexpr int kMaxProbes = 3;

class HalfOpenRaceTest : public EngineTest {
 protected:
  // All clients ask at once, round after round. Who comes last to the next round judges this one,
  // while the others wait.
  void RunRounds(int rounds) {
    Trip();
    EndWait();
    std::barrier<Judge> together(kClients, Judge{this});
    std::vector<std::thread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([this, rounds, client, &together] {
        for (int i = 0; i < rounds; ++i) {
          together.arrive_and_wait();
          answers_[client] = engine_.Allow(kOrders, {}, "client").value_or(AllowAnswer{});
        }
      });
    }
    for (std::thread& client : clients) client.join();
    JudgeRound();
  }

  int judged_ = 0;
  int wrong_ = 0;  // Rounds in which other than exactly max_probes got through.

 private:
  struct Judge {
    HalfOpenRaceTest* test;
    void operator()() const noexcept {
      if (std::exchange(test->asked_, true)) test->JudgeRound();
    }
  };

  void EndWait() { clock_.Advance(absl::Seconds(30)); }

  void JudgeRound() {
    std::vector<std::string> probes;
    for (const AllowAnswer& answer : answers_) {
      if (!answer.decision.allowed || !answer.decision.probe) continue;
      probes.emplace_back(answer.permit.bytes());
    }
    const bool right = probes.size() == kMaxProbes && Look().probes == kMaxProbes;
    wrong_ += !right;
    ++judged_;
    if (right) Finish(probes);
  }

  // Three ways in which probes end, in turns.
  void Finish(const std::vector<std::string>& probes) {
    switch (judged_ % 3) {
      case 0:  // One fails: open again at once.
        EXPECT_EQ(Record(probes[0], Outcome::kFailure).state, State::kOpen);
        return EndWait();
      case 1:  // All holders die: open again when the last lease is over, which is in time.
        clock_.Advance(absl::Seconds(60));
        EXPECT_EQ(Look().state, State::kOpen);
        EXPECT_EQ(Look().last_transition->cause, Cause::kProbesExpired);
        return EndWait();
      default:  // One holder dies and two give up: all slots come back, and the next round races
                // for them while still half-open.
        for (int i : {1, 2}) Record(probes[i], Outcome::kIgnored);
        EXPECT_EQ(Look().probes, 1u);
        clock_.Advance(absl::Seconds(60));
        EXPECT_EQ(Look().probes, 0u);
        EXPECT_EQ(Look().state, State::kHalfOpen);
    }
  }

  bool asked_ = false;
  std::array<AllowAnswer, kClients> answers_;
};

// A recovering dependency sees three probes and not three per process; and every lease whose holder
// died is back within probe_timeout, so that no breaker stays half-open for ever.
TEST_F(HalfOpenRaceTest, ExactlyMaxProbesGetThroughEachRound) {
  RunRounds(kRounds);
  EXPECT_EQ(judged_, kRounds);
  EXPECT_EQ(wrong_, 0);
}

// However many race: the transition at the end of the wait happens once and is told once.
TEST_F(HalfOpenRaceTest, TheWaitEndsOnce) {
  Trip();
  clock_.Advance(absl::Seconds(30));
  std::barrier<> together(kClients);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([this, client, &together] {
      together.arrive_and_wait();
      if (client % 2 == 0) {
        engine_.Maintain();
      } else {
        (void)engine_.Allow(kOrders, {}, "client");
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(engine_.transitions(), 2u);
  EXPECT_EQ(engine_.events().After(0, 10).size(), 2u);
}

// Never two grants too many: what threads spend together is what the budget held.
TEST_F(HalfOpenRaceTest, ASharedBudgetIsNeverOverspent) {
  constexpr int kThreads = 8, kRetries = 300, kReserve = 1'000;
  Policy policy;
  policy.shared_retry_budget = "fleet";
  SetPolicies({policy}, {{"fleet", {.retry_ratio = Share(), .min_retries_per_second = 100}}});
  std::atomic<int> granted{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < kThreads; ++client) {
    clients.emplace_back([this, client, &granted] {
      const std::string breaker = "db/" + std::to_string(client % 3);
      for (int i = 0; i < kRetries; ++i) {
        const absl::StatusOr<AllowAnswer> answer = engine_.Allow(breaker, {.attempt = 2}, "client");
        granted += answer.ok() && answer->decision.allowed;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(granted, kReserve);
  EXPECT_EQ(engine_.Budgets().front().spent, static_cast<uint64_t>(kReserve));
  EXPECT_EQ(engine_.Budgets().front().balance, 0);
}

}  // namespace
}  // namespace fusebox
