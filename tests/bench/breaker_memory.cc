// What a breaker costs in memory, quiet and active, beyond what the process holds at its start.
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "bench/resident.h"
#include "server/engine/engine.h"
#include "testing/fake_clock.h"

// The allocator gives pages back after a second here, not ten: the numbers are the same, sooner.
extern "C" {
const char* malloc_conf = "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:0";
}

namespace fusebox {
namespace {

constexpr size_t kBreakers = 1'000'000;

bool Run() {
  const std::vector<std::string> names = BenchNames(kBreakers);
  FakeClock clock;
  Engine engine({}, clock, /*life=*/1);
  const double before = SettledBytes();
  for (const std::string& name : names) {
    const auto answer = engine.Allow(name, {}, "bench");
    if (!answer.ok()) std::abort();
    const Ending ending{.result = Result::Of(Outcome::kSuccess), .latency = absl::Milliseconds(3)};
    if (!engine.Record(name, answer->permit.bytes(), ending).ok()) std::abort();
  }
  const double active = (SettledBytes() - before) / kBreakers;

  // Quiet for a window, in steps as a real clock goes; the sweep comes around.
  for (int i = 0; i < 3000; ++i) {
    clock.Advance(absl::Milliseconds(20));
    engine.Maintain();
  }
  const double quiet = (SettledBytes() - before) / kBreakers;
  const bool active_ok = Check("bytes per active breaker", active, {Limit::Kind::kAtMost, 600});
  return Check("bytes per quiet breaker", quiet, {Limit::Kind::kAtMost, 300}) && active_ok;
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
