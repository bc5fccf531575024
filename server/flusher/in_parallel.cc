#include "server/flusher/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace fusebox {
namespace {

// More than a start gains by.
constexpr size_t kMaxThreads = 8;

}  // namespace

void InParallel(size_t parts, absl::FunctionRef<void(size_t part)> work) {
  std::atomic<size_t> next{0};
  const auto take = [&] {
    for (size_t part = next++; part < parts; part = next++) work(part);
  };
  const size_t cores = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  std::vector<std::thread> others;
  others.reserve(cores);
  try {
    for (size_t i = 1; i < std::min(cores, parts); ++i) others.emplace_back(take);
  } catch (const std::system_error&) {
    // There may be no further thread: those that are there do all of it.
  }
  take();
  for (std::thread& other : others) other.join();
}

}  // namespace fusebox
