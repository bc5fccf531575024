// What it costs a decision to learn latencies, beside the same one that learns none. Few names are
// hot and the others rare, so that sketches come and go from the processor's caches as they would.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "bench/rate.h"
#include "benchmark/benchmark.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"

namespace fusebox {
namespace {

constexpr size_t kNames = 10'000;  // Each holds a sketch, of 1.2 KB.
constexpr size_t kDraws = size_t{1} << 20;
constexpr size_t kLatencies = 4'093;  // A prime: each name meets all of them.

// Around 3 ms, half of them within a factor of two, with a long tail.
std::vector<absl::Duration> Latencies() {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> milliseconds(std::log(3), 1);
  std::vector<absl::Duration> latencies;
  latencies.reserve(kLatencies);
  for (size_t i = 0; i < kLatencies; ++i) {
    latencies.push_back(absl::Milliseconds(milliseconds(random)));
  }
  return latencies;
}

// Makes calls of the same names, in the same order, with the same latencies as any other.
class Caller {
 public:
  explicit Caller(const HedgePolicy& hedge) {
    Policy policy;
    policy.hedge = hedge;
    if (!engine_.SetPolicies({policy}, {}).ok()) std::abort();
  }

  double Run(absl::Duration time) {
    return Rate(time, [this] { Call(); });
  }

 private:
  void Call() {
    const std::string& name = names_[order_[next_ % kDraws]];
    const Ending ending{.result = Result::Of(Outcome::kSuccess),
                        .latency = latencies_[next_ % kLatencies]};
    ++next_;
    const auto answer = engine_.Allow(name, {}, "bench");
    if (!answer.ok() || !answer->decision.allowed) std::abort();
    benchmark::DoNotOptimize(answer->decision.hedge_delay);
    benchmark::DoNotOptimize(engine_.Record(name, answer->permit.bytes(), ending));
  }

  const std::vector<std::string> names_ = BenchNames(kNames);
  const std::vector<uint32_t> order_ = ZipfDraws(kNames, kDraws);
  const std::vector<absl::Duration> latencies_ = Latencies();
  const SystemClock clock_;
  Engine engine_{{}, clock_, /*life=*/1};
  size_t next_ = 0;
};

bool Run() {
  Caller learning({.percentile = Share::FromFraction(0.99)});
  Caller plain({});
  // At most 1.20 times the cost.
  return Compare(
      "Allow+Record with latencies, of without",
      [&learning](absl::Duration time) { return learning.Run(time); },
      [&plain](absl::Duration time) { return plain.Run(time); }, {Limit::Kind::kAtLeast, 1 / 1.2});
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
