// A worker of the demo in C++: calls the upstream at a steady rate and asks Fusebox first.
//
//   demo_worker --name=cpp-1 --url=http://127.0.0.1:8080/orders
//       --fusebox=127.0.0.1:7400 --breaker=shop/checkout --rate=25
//
// The line protocol that every worker speaks is in ../README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "deploy/demo/cpp/gate.h"
#include "deploy/demo/cpp/upstream.h"

namespace fusebox::demo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxAttempts = 2;

struct Flags {
  std::string name;
  std::string url;
  std::string fusebox;
  std::string breaker;
  double rate = 25;
};

void Say(const std::string& event, const std::string& name, const Totals& totals) {
  const nlohmann::ordered_json line = {{"event", event},
                                       {"worker", name},
                                       {"ok", totals.ok},
                                       {"failed", totals.failed},
                                       {"retries", totals.retries},
                                       {"refused", totals.refused},
                                       {"rpc_errors", totals.rpc_errors}};
  std::cout << line.dump() << std::endl;  // Flushed: whoever started the worker waits for it.
}

// Makes the calls, one at a time.
class Worker {
 public:
  explicit Worker(const Flags& flags)
      : flags_(flags),
        gate_(flags.fusebox, flags.breaker, flags.name, &totals_),
        upstream_(flags.url) {}

  // Orders at a steady rate until `stop`; a slow call delays the next and skips none.
  void Work(const std::atomic<bool>& stop) {
    const auto period =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / flags_.rate));
    Clock::time_point due = Clock::now();
    Clock::time_point report = due;
    while (!stop) {
      std::this_thread::sleep_until(due);
      Order();
      const Clock::time_point now = Clock::now();
      due = std::max(due + period, now);
      if (now < report) continue;
      Say("count", flags_.name, totals_);
      report = now + std::chrono::seconds(1);
    }
  }

  const Totals& totals() const { return totals_; }

 private:
  // One order: a call and, if it fails, its retry.
  void Order() {
    for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
      if (!Attempt(attempt)) return;
    }
  }

  // Returns whether another attempt is worth it.
  bool Attempt(int attempt) {
    const v1::AllowResponse answer = gate_.Allow(attempt);
    if (answer.decision() == v1::DECISION_DENIED) {
      ++totals_.refused;
      return false;
    }
    const Clock::time_point begin = Clock::now();
    const int status = upstream_.Get(
        {absl::StrCat("X-Worker: ", flags_.name), absl::StrCat("X-Attempt: ", attempt),
         absl::StrCat("X-Breaker: ", gate_.breaker()), absl::StrCat("X-Epoch: ", answer.epoch()),
         absl::StrCat("X-Probe: ", answer.probe() ? 1 : 0)});
    gate_.Record(answer.permit(), status, absl::FromChrono(Clock::now() - begin));
    const bool failed = status == 0 || status >= 500;
    ++(failed ? totals_.failed : totals_.ok);
    if (attempt > 1) ++totals_.retries;
    return failed;
  }

  const Flags flags_;
  Totals totals_;
  Gate gate_;
  Upstream upstream_;
};

void Run(const Flags& flags) {
  Worker worker(flags);
  Say("ready", flags.name, worker.totals());
  std::string line;
  if (std::getline(std::cin, line) && line == "start") {
    std::atomic<bool> stop = false;
    const std::jthread stdin_watch([&stop] {
      for (std::string ignored; std::getline(std::cin, ignored);) {
      }
      stop = true;
    });
    worker.Work(stop);
  }
  Say("done", flags.name, worker.totals());
}

}  // namespace
}  // namespace fusebox::demo

int main(int argc, char** argv) {
  fusebox::demo::Flags flags;
  CLI::App app("A worker of the demo.");
  app.add_option("--name", flags.name, "This worker's name")->required();
  app.add_option("--url", flags.url, "What to call")->required();
  app.add_option("--fusebox", flags.fusebox, "HOST:PORT; empty: ask nobody");
  app.add_option("--breaker", flags.breaker, "Whom to ask");
  app.add_option("--rate", flags.rate, "Orders a second")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    fusebox::demo::Run(flags);
  } catch (const std::exception& error) {
    std::cerr << "demo_worker: --name is \"" << flags.name << "\": " << error.what()
              << "; give it a name in UTF-8\n";
    return 1;
  }
  return 0;
}
