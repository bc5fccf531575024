// Runs a recorded trace through a breaker under a policy, in virtual time.
//
//   Simulation simulation(ruling, std::nullopt);
//   while (...) simulation.Take(call);
//   const SimulationResult result = simulation.Finish();
//
// It is the breaker of the server and of the clients, with its own time and chance: each call asks
// at its time and, if it is allowed, tells at its end how it ended in the trace. So outcomes that
// are on their way when the breaker opens are late, as they would be. What the trace cannot know is
// how the dependency would have fared with fewer calls, and which retries a refusal would have
// saved: every call of the trace is asked for.
#ifndef FUSEBOX_CLIENT_CLI_SIMULATION_H_
#define FUSEBOX_CLIENT_CLI_SIMULATION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/trace.h"
#include "core/guard.h"
#include "core/policy_set.h"
#include "core/retry_budget.h"
#include "core/tick.h"
#include "core/transition.h"

namespace fusebox::cli {

// Of so many transitions, the first, all is told; later ones are counted.
inline constexpr size_t kMaxToldTransitions = 1'000;

// Calls by how they ended in the trace.
struct CallCounts {
  uint64_t calls = 0;
  uint64_t failures = 0;   // FAILURE, TIMEOUT, RATE_LIMITED.
  uint64_t successes = 0;  // SUCCESS, CALLER_ERROR. The rest was IGNORED.

  void Add(Outcome outcome);
};

struct SimulationResult {
  CallCounts traced;
  CallCounts refused;  // Its failures were spared, its successes lost.
  std::map<Reason, CallCounts> refused_for = {};
  uint64_t late = 0;           // Outcomes that came too late to count.
  uint64_t opened = 0;         // Re-opening included.
  absl::Duration length = {};  // From the first call to the last, or to the last end.
  absl::Duration open = {};    // Of that, the time spent OPEN
  absl::Duration half_open = {};
  State state = State::kClosed;  // At the end.
  uint64_t transition_count = 0;
  std::vector<Transition> transitions = {};  // The first kMaxToldTransitions.
};

// Holds what the calls in flight do, and no more. The same trace and policy give the same result,
// on every machine. Not thread-safe.
class Simulation {
 public:
  // `shared_budget` is what the policy's retry budget holds, if that is a shared one.
  Simulation(std::shared_ptr<const RulingPolicy> ruling,
             std::optional<RetryBudgetPolicy> shared_budget);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // The next call. Times must not go back; what ends at the time of a call ends before it.
  void Take(const TracedCall& call);

  // Waits for what is in flight. To be called once, after the last call.
  SimulationResult Finish();

 private:
  // Epochs and numbers from 1, and always the same chance.
  class Source : public TransitionSource {
   public:
    uint64_t NextEpoch() override { return ++epoch_; }
    uint64_t NextNumber() override { return ++number_; }
    uint64_t RandomBits() override { return generator_(); }

   private:
    uint64_t epoch_ = 0;
    uint64_t number_ = 0;
    std::mt19937_64 generator_{1};  // Its numbers are laid down by the standard.
  };

  // A call in flight.
  struct End {
    Tick time;
    uint64_t serial;  // Of ends at one time, the call that was asked first ends first.
    Permit permit;
    Result result;
    std::optional<absl::Duration> latency;
    std::optional<absl::Duration> retry_after;
    std::string client;

    bool operator>(const End& other) const {
      return std::tie(time, serial) > std::tie(other.time, other.serial);
    }
  };

  void Begin(Tick now);
  // Does all that happens by itself until then, each at its time.
  void AdvanceTo(Tick now);
  Decision Ask(const Question& question, Tick now);
  void Tell(const End& end);
  void Absorb();

  const std::shared_ptr<const RulingPolicy> ruling_;
  const std::optional<RetryBudgetPolicy> shared_policy_;
  std::optional<RetryBudget> shared_budget_;
  Source source_;
  std::optional<Guard> guard_;  // From the first call on.
  std::priority_queue<End, std::vector<End>, std::greater<>> in_flight_;
  uint64_t asked_ = 0;
  Transitions transitions_;  // Of the operation that is being done.
  Tick begun_;
  Tick latest_;
  Tick since_;                                // When the state began, and
  std::array<absl::Duration, 3> spent_ = {};  // how long each was, by State.
  SimulationResult result_;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_SIMULATION_H_
