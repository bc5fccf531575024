#ifndef FUSEBOX_TESTS_BENCH_RESIDENT_H_
#define FUSEBOX_TESTS_BENCH_RESIDENT_H_

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace fusebox {

// What this process holds in memory.
inline double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// The same once the allocator has given back what is free: when the number stands still.
inline double SettledBytes() {
  double last = ResidentBytes();
  for (int still = 0; still < 4;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const double now = ResidentBytes();
    still = now > last * 0.999 ? still + 1 : 0;
    last = now;
  }
  return last;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_BENCH_RESIDENT_H_
