// What a decision costs in a client with a session, in atomic additions of the same processor.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/numbers.h"
#include "fusebox/breaker.h"

namespace fusebox::internal {
namespace {

std::atomic<uint64_t> counter{0};

void FetchAdd(benchmark::State& state) {
  for (auto _ : state) counter.fetch_add(1, std::memory_order_relaxed);
  state.SetItemsProcessed(state.iterations());
}

// A breaker of a client that is connected.
class Connected {
 public:
  explicit Connected(Standing standing, Policy policy = {})
      : breaker_("db/orders", Ruling({}),
                 {.clock = ClientClock::OfMachine(),
                  .stopwatch = Stopwatch::OfMachine(),
                  .numbers = numbers_}) {
    standing.epoch = 1;
    breaker_.Push(standing, Ruling(std::move(policy)), 1);
    // As the client's thread does.
    ticker_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        breaker_.Advance();
        breaker_.TakeNews();
      }
    });
  }

  Breaker handle() { return Breaker(breaker_); }
  // Its server is gone.
  Connected& Alone() {
    breaker_.GoAlone();
    return *this;
  }

 private:
  static std::shared_ptr<const RulingPolicy> Ruling(Policy policy) {
    return std::make_shared<const RulingPolicy>(std::move(policy));
  }

  Numbers numbers_{1};
  LocalBreaker breaker_;
  std::jthread ticker_;
};

Policy WithSlowCalls() {
  Policy policy;
  policy.circuit_breaker.slow_call_rate_threshold = Share::FromFraction(0.5);
  policy.circuit_breaker.slow_call_duration_threshold = absl::Seconds(1);
  return policy;
}

void AllowAndRecord(benchmark::State& state, const Breaker& at) {
  const Breaker breaker = at;
  for (auto _ : state) {
    Breaker::Permit permit = breaker.Allow();
    if (!permit.allowed()) std::abort();
    permit.Succeed();
  }
  state.SetItemsProcessed(state.iterations());
}

void Refuse(benchmark::State& state, const Breaker& at) {
  const Breaker breaker = at;
  for (auto _ : state) {
    const Breaker::Permit permit = breaker.Allow();
    if (permit.allowed()) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}

// Keeps what each benchmark came to, by name.
class Rates : public benchmark::ConsoleReporter {
 public:
  Rates() : ConsoleReporter(OO_Defaults) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      rates_[run.run_name.function_name + "/" + run.run_name.threads].push_back(
          run.counters.at("items_per_second"));
    }
  }

  double Median(const std::string& name) const {
    std::vector<double> rates = rates_.at(name);
    std::sort(rates.begin(), rates.end());
    return rates[rates.size() / 2];
  }

 private:
  std::map<std::string, std::vector<double>> rates_;
};

bool Check(absl::string_view what, double ratio, bool is_met, absl::string_view limit) {
  std::printf("%-56s %6.2f  limit %s  %s\n", std::string(what).c_str(), ratio,
              std::string(limit).c_str(), is_met ? "ok" : "MISSED");
  return is_met;
}

bool Run() {
  Connected closed({});
  Connected timed({}, WithSlowCalls());
  Connected lost({});
  Connected open({.state = State::kOpen, .retry_after = absl::Hours(1)});
  benchmark::RegisterBenchmark("fetch_add", FetchAdd);
  benchmark::RegisterBenchmark("closed", AllowAndRecord, closed.handle());
  benchmark::RegisterBenchmark("closed", AllowAndRecord, closed.handle())
      ->Threads(2)
      ->UseRealTime();
  benchmark::RegisterBenchmark("alone", AllowAndRecord, lost.Alone().handle());
  benchmark::RegisterBenchmark("timed", AllowAndRecord, timed.handle());
  benchmark::RegisterBenchmark("open", Refuse, open.handle());
  Rates rates;
  benchmark::RunSpecifiedBenchmarks(&rates);
  const double addition = rates.Median("fetch_add/");
  const double one_thread = rates.Median("closed/");
  const double cost = addition / one_thread;
  const double alone_cost = one_thread / rates.Median("alone/");
  const double timed_cost = addition / rates.Median("timed/");
  const double refusal = addition / rates.Median("open/");
  const double scaling = rates.Median("closed/threads:2") / one_thread;
  bool met = Check("Allow+Record, closed, in fetch_adds", cost, cost <= 2, "<= 2");
  met &= Check("the same without a server, of the same with one", alone_cost, alone_cost <= 1.5,
               "<= 1.5");
  met &= Check("Allow+Record where calls are timed, in fetch_adds", timed_cost, timed_cost <= 6,
               "<= 6");
  met &= Check("a refusal, in fetch_adds", refusal, refusal <= 0.5, "<= 0.5");
  met &= Check("two threads at one breaker, of one", scaling, scaling >= 1.6, ">= 1.6");
  return met;
}

}  // namespace
}  // namespace fusebox::internal

// Many short runs of all of them in turns, so that what disturbs one disturbs all.
int main(int, char** argv) {
  std::vector<std::string> flags{argv[0], "--benchmark_repetitions=9", "--benchmark_min_time=0.3",
                                 "--benchmark_enable_random_interleaving=true"};
  std::vector<char*> args;
  for (std::string& flag : flags) args.push_back(flag.data());
  int count = static_cast<int>(args.size());
  benchmark::Initialize(&count, args.data());
  return fusebox::internal::Run() ? 0 : 1;
}
