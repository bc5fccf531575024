#include "server/flusher/in_parallel.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace fusebox {
namespace {

// More than a start gains by.
constexpr size_t kMaxThreads = 8;
// What takes about a millisecond, for which no thread is worth starting.
constexpr size_t kLeastPart = 1'000;

}  // namespace

void InParallel(size_t count, absl::FunctionRef<void(size_t begin, size_t end)> work) {
  const size_t cores = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  const size_t parts = std::clamp<size_t>(count / kLeastPart, 1, cores);
  const auto begin_of = [&](size_t part) { return count * part / parts; };
  std::vector<std::thread> others;
  for (size_t part = 1; part < parts; ++part) {
    others.emplace_back(
        [&work, begin = begin_of(part), end = begin_of(part + 1)] { work(begin, end); });
  }
  work(0, begin_of(1));
  for (std::thread& other : others) other.join();
}

}  // namespace fusebox
