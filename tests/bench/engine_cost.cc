// What a decision costs inside the server, in lookups of the same names in a bare map.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "bench/rate.h"
#include "benchmark/benchmark.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"

namespace fusebox {
namespace {

constexpr size_t kNames = 1'000'000;
constexpr size_t kDraws = size_t{1} << 21;

bool Run() {
  const std::vector<std::string> names = BenchNames(kNames);
  const std::vector<uint32_t> order = ZipfDraws(kNames, kDraws);
  const SystemClock clock;
  Engine engine({}, clock, /*life=*/1);
  absl::flat_hash_map<std::string, uint64_t> map;
  for (const std::string& name : names) {
    map[name] = name.size();
    if (!engine.Allow(name, {}, "bench").ok()) std::abort();
  }
  size_t next = 0;
  const auto draw = [&]() -> const std::string& { return names[order[next++ % kDraws]]; };
  const Worker lookups = [&](absl::Duration time) {
    return Rate(time, [&] { benchmark::DoNotOptimize(map.find(draw())->second); });
  };
  const Worker decisions = [&](absl::Duration time) {
    return Rate(time, [&] {
      const std::string& name = draw();
      const auto answer = engine.Allow(name, {}, "bench");
      Ending ending{.result = Result::Of(Outcome::kSuccess), .latency = absl::Milliseconds(3)};
      benchmark::DoNotOptimize(engine.Record(name, answer->permit.bytes(), ending));
    });
  };
  return Compare("Allow+Record, in bare map lookups", lookups, decisions,
                 {Limit::Kind::kAtMost, 5});
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
