// A client that decides 100,000 times a second, and tells what that came to.
//
//   under_load TARGET BREAKER
//
//   fail, succeed     on standard input: how its calls end from now on
//   look              one line of JSON on standard output: all counts since its beginning
//   (end of input)    it tells the server what is left, looks once more, and ends
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include "absl/strings/str_format.h"
#include "fusebox/client.h"

namespace fusebox {
namespace {

using std::chrono::steady_clock;

// Calls in steps of so many, so often.
constexpr int kCallsPerStep = 1'000;
constexpr auto kStep = std::chrono::milliseconds(10);

struct Counts {
  std::atomic<uint64_t> steps{0};
  std::atomic<uint64_t> succeeded{0};
  std::atomic<uint64_t> failed{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> longest_step_us{0};
};

class Load {
 public:
  explicit Load(Breaker breaker) : breaker_(breaker) {}

  void Run() {
    auto next = steady_clock::now();
    while (!ends_) {
      Step();
      next = std::max(next + kStep, steady_clock::now() - kStep);
      std::this_thread::sleep_until(next);
    }
  }
  void End() { ends_ = true; }
  void SetFailing(bool fails) { fails_ = fails; }
  const Counts& counts() const { return counts_; }

 private:
  void Step() {
    const auto begin = steady_clock::now();
    const bool fails = fails_;
    for (int call = 0; call < kCallsPerStep; ++call) {
      Breaker::Permit permit = breaker_.Allow();
      if (!permit.allowed()) {
        ++counts_.refused;
        continue;
      }
      permit.Record(fails ? Outcome::kFailure : Outcome::kSuccess);
      ++(fails ? counts_.failed : counts_.succeeded);
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin);
    const auto micros = static_cast<uint64_t>(took.count());
    if (micros > counts_.longest_step_us) counts_.longest_step_us = micros;
    ++counts_.steps;
  }

  const Breaker breaker_;
  Counts counts_;
  std::atomic<bool> fails_{false};
  std::atomic<bool> ends_{false};
};

// In KiB.
uint64_t ResidentMemory() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4;
}

const char* NameOf(State state) {
  if (state == State::kOpen) return "OPEN";
  return state == State::kClosed ? "CLOSED" : "HALF_OPEN";
}

void Look(const Counts& counts, const char* state, bool is_connected) {
  absl::PrintF(
      "{\"steps\": %d, \"succeeded\": %d, \"failed\": %d, \"refused\": %d, "
      "\"longest_step_us\": %d, \"resident_kib\": %d, \"state\": \"%s\", \"connected\": %s}\n",
      counts.steps.load(), counts.succeeded.load(), counts.failed.load(), counts.refused.load(),
      counts.longest_step_us.load(), ResidentMemory(), state, is_connected ? "true" : "false");
  std::fflush(stdout);
}

int Run(const char* target, const char* name) {
  auto client = Client::Create({.target = target, .name = "under-load"});
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 1;
  }
  const auto breaker = (*client)->GetBreaker(name);
  if (!breaker.ok()) {
    std::cerr << breaker.status() << "\n";
    return 1;
  }
  Load load(*breaker);
  std::thread thread([&load] { load.Run(); });
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "fail" || line == "succeed") load.SetFailing(line == "fail");
    if (line == "look") Look(load.counts(), NameOf(breaker->state()), (*client)->IsConnected());
  }
  load.End();
  thread.join();
  const char* const state = NameOf(breaker->state());
  client->reset();
  Look(load.counts(), state, /*is_connected=*/false);
  return 0;
}

}  // namespace
}  // namespace fusebox

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: under_load TARGET BREAKER\n";
    return 2;
  }
  return fusebox::Run(arguments[1], arguments[2]);
}
