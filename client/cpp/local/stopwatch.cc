#include "fusebox/internal/stopwatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fusebox::internal {
namespace {

// How many nanoseconds one unit of the processor's counter is; 1 where it cannot be used.
double MeasureNanosPerUnit([[maybe_unused]] const ClientClock& clock) {
#if defined(__x86_64__)
  // The counter is even: it neither stops nor changes its pace (CPUID 8000_0007h, EDX bit 8).
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kInvariant = 1u << 8;
  if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) == 0 || (edx & kInvariant) == 0) return 1;
  // Reading the clock takes some 50 ns, of 2 ms: some 30 in a million.
  constexpr int64_t kLong = 2'000'000;
  const int64_t begin = clock.NowNanos();
  const uint64_t begin_units = __rdtsc();
  int64_t end = begin;
  while (end - begin < kLong) end = clock.NowNanos();
  const uint64_t units = __rdtsc() - begin_units;
  return units == 0 ? 1 : static_cast<double>(end - begin) / static_cast<double>(units);
#else
  return 1;
#endif
}

}  // namespace

const Stopwatch& Stopwatch::OfMachine() {
  static auto& stopwatch =
      *new Stopwatch(ClientClock::OfMachine(), MeasureNanosPerUnit(ClientClock::OfMachine()));
  return stopwatch;
}

}  // namespace fusebox::internal
