#include "fusebox/internal/stopwatch.h"

#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fusebox::internal {
namespace {

#if defined(__x86_64__)

// Whether it neither stops nor changes its pace (CPUID 8000_0007h, EDX bit 8), and the kernel has
// not found otherwise.
bool IsEven() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kInvariant = 1u << 8;
  if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) == 0 || (edx & kInvariant) == 0) return false;
  std::ifstream believed("/sys/devices/system/clocksource/clocksource0/available_clocksource");
  std::string name;
  while (believed >> name) {
    if (name == "tsc") return true;
  }
  return false;
}

// The clock and the counter at one moment: read again if somebody came between.
struct Moment {
  explicit Moment(const ClientClock& clock) {
    constexpr uint64_t kClose = 2'000;  // Units: about a microsecond.
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
      const uint64_t before = __rdtsc();
      nanos = clock.NowNanos();
      units = __rdtsc();
      if (units - before < kClose) return;
    }
  }
  int64_t nanos = 0;
  uint64_t units = 0;
};

// How many nanoseconds one unit of the counter is; 1 where it cannot be used.
double MeasureNanosPerUnit(const ClientClock& clock) {
  if (!IsEven()) return 1;
  // A microsecond of 2 ms: one in two thousand.
  constexpr int64_t kLong = 2'000'000;
  const Moment begin(clock);
  while (clock.NowNanos() - begin.nanos < kLong) continue;
  const Moment end(clock);
  const double ratio =
      static_cast<double>(end.nanos - begin.nanos) / static_cast<double>(end.units - begin.units);
  constexpr double kFastest = 0.1, kSlowest = 10;  // 10 GHz and 100 MHz.
  return ratio > kFastest && ratio < kSlowest ? ratio : 1;
}

#else

double MeasureNanosPerUnit(const ClientClock&) { return 1; }

#endif

}  // namespace

const Stopwatch& Stopwatch::OfMachine() {
  static auto& stopwatch =
      *new Stopwatch(ClientClock::OfMachine(), MeasureNanosPerUnit(ClientClock::OfMachine()));
  return stopwatch;
}

}  // namespace fusebox::internal
