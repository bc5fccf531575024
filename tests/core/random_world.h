#ifndef FUSEBOX_TESTS_CORE_RANDOM_WORLD_H_
#define FUSEBOX_TESTS_CORE_RANDOM_WORLD_H_

#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/guard.h"

namespace fusebox {

// One thing that happens to a breaker, with everything that it may need.
struct Step {
  enum Kind { kAcquire, kRecord, kReplay, kObserve, kPass, kStepBack, kOverride, kClear, kPolicy };

  Kind kind = kPass;
  uint32_t pick = 0;     // Which permit, override or policy.
  uint32_t attempt = 1;  // Of an acquire.
  uint32_t calls = 1;    // Of an observation.
  int outcome = 0;
  int latency_ms = 0;      // Below 0: none.
  int retry_after_ms = 0;  // Below 0: none.
  int client = 0;
  int64_t ms = 0;  // How much time passes, or how far back the clock steps.
};

inline std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kNames[] = {"acquire",   "record",   "replay", "observe", "pass",
                                    "step-back", "override", "clear",  "policy"};
  return out << absl::StrCat(kNames[step.kind], "(pick ", step.pick, ", attempt ", step.attempt,
                             ", calls ", step.calls, ", outcome ", step.outcome, ", latency ",
                             step.latency_ms, ", retry-after ", step.retry_after_ms, ", client ",
                             step.client, ", ms ", step.ms, ")");
}

template <typename T>
rc::Gen<T> OneOf(std::vector<T> values) {
  return rc::gen::elementOf(std::move(values));
}

inline rc::Gen<Step> AnyStep() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::weightedElement<Step::Kind>({{30, Step::kAcquire},
                                                                      {30, Step::kRecord},
                                                                      {4, Step::kReplay},
                                                                      {5, Step::kObserve},
                                                                      {18, Step::kPass},
                                                                      {3, Step::kStepBack},
                                                                      {2, Step::kOverride},
                                                                      {2, Step::kClear},
                                                                      {2, Step::kPolicy}})),
      rc::gen::set(&Step::pick, rc::gen::inRange<uint32_t>(0, 1'000)),
      rc::gen::set(&Step::attempt, OneOf<uint32_t>({0, 1, 1, 1, 2, 3})),
      rc::gen::set(&Step::calls, OneOf<uint32_t>({1, 1, 2, 7, 25})),
      rc::gen::set(&Step::outcome, OneOf<int>({0, 0, 0, 1, 1, 1, 2, 3, 4, 5})),
      rc::gen::set(&Step::latency_ms, OneOf<int>({-1, 0, 1, 499, 500, 3'000})),
      rc::gen::set(&Step::retry_after_ms, OneOf<int>({-1, -1, -1, 0, 300, 3'600'000})),
      rc::gen::set(&Step::client, rc::gen::inRange(0, 4)),
      rc::gen::set(&Step::ms, OneOf<int64_t>({0, 1, 50, 99, 100, 333, 1'000, 1'000, 4'000, 9'999,
                                              10'000, 61'000, 3'600'000})));
}

// A story of up to so many steps. Shorter ones are tried when it fails.
inline rc::Gen<std::vector<Step>> AnySteps(int at_most) {
  return rc::gen::resize(at_most, rc::gen::container<std::vector<Step>>(AnyStep()));
}

// Small numbers, so that short stories reach every corner.
inline rc::Gen<CircuitBreakerPolicy> AnyBreakerPolicy() {
  using P = CircuitBreakerPolicy;
  using rc::gen::set;
  const auto share = [](std::vector<double> fractions) {
    return rc::gen::map(OneOf(std::move(fractions)), Share::FromFraction);
  };
  const auto ms = [](std::vector<int> values) {
    return rc::gen::map(OneOf(std::move(values)), [](int v) { return absl::Milliseconds(v); });
  };
  return rc::gen::build<P>(
      set(&P::window_duration, ms({1'000, 1'000, 10'000, 12'345})),
      set(&P::window_calls, OneOf<uint32_t>({0, 0, 0, 3, 10})),
      set(&P::consecutive_failures, OneOf<uint32_t>({0, 1, 2, 3, 5})),
      set(&P::failure_rate_threshold, share({0, 0.3, 0.5, 1})),
      set(&P::slow_call_rate_threshold, share({0, 0, 0.4, 1})),
      set(&P::slow_call_duration_threshold, rc::gen::just(absl::Milliseconds(500))),
      set(&P::minimum_calls, OneOf<uint32_t>({1, 2, 3})),
      set(&P::min_failing_clients, OneOf<uint32_t>({1, 1, 2, 3})),
      set(&P::open_duration, ms({1, 200, 1'000, 5'000})),
      set(&P::open_multiplier, share({1, 1, 1.5, 2, 10})), set(&P::jitter, share({0, 0, 0.2, 1})),
      set(&P::max_open_duration, ms({5'000, 20'000, 600'000})),
      set(&P::honor_retry_after, rc::gen::arbitrary<bool>()),
      set(&P::max_probes, OneOf<uint32_t>({1, 2, 3})),
      set(&P::success_threshold, OneOf<uint32_t>({1, 2, 3, 5})),
      set(&P::probe_timeout, ms({100, 1'000, 5'000, 60'000})),
      set(&P::ramp_duration, ms({0, 0, 1'000, 10'000})),
      set(&P::ramp_initial, share({0.000001, 0.1, 0.35, 1})));
}

inline rc::Gen<Policy> AnyPolicy() {
  using B = RetryBudgetPolicy;
  const auto budget = rc::gen::build<B>(
      rc::gen::set(&B::retry_ratio,
                   rc::gen::map(OneOf<double>({0, 0.001, 0.2, 0.3, 1, 7}), Share::FromFraction)),
      rc::gen::set(&B::min_retries_per_second, OneOf<uint32_t>({0, 0, 1, 2})),
      rc::gen::set(&B::window,
                   OneOf<absl::Duration>({absl::Seconds(1), absl::Seconds(3), absl::Seconds(10)})));
  return rc::gen::build<Policy>(
      rc::gen::set(&Policy::circuit_breaker, AnyBreakerPolicy()),
      rc::gen::set(&Policy::retry_budget, budget),
      rc::gen::set(&Policy::shared_retry_budget, OneOf<std::string>({"", "", "", "fleet"})));
}

// Those that a story may switch between; the first rules at the start.
inline rc::Gen<std::vector<Policy>> AnyPolicies() {
  return rc::gen::container<std::vector<Policy>>(3, AnyPolicy());
}

// What jitter draws from.
inline rc::Gen<uint64_t> AnyRandomBits() {
  return OneOf<uint64_t>({0, uint64_t{1} << 63, ~uint64_t{0}, 0x123456789abcdef0});
}

// How a policy is shown in a story that failed.
inline std::ostream& operator<<(std::ostream& out, const Policy& policy) {
  const CircuitBreakerPolicy& p = policy.circuit_breaker;
  const RetryBudgetPolicy& b = policy.retry_budget;
  out << absl::StrCat(
      "{window ", absl::FormatDuration(p.window_duration), "/", p.window_calls, ", run ",
      p.consecutive_failures, ", rate ", p.failure_rate_threshold.fraction(), ", slow ",
      p.slow_call_rate_threshold.fraction(), ", min ", p.minimum_calls, ", quorum ",
      p.min_failing_clients, ", open ", absl::FormatDuration(p.open_duration), " x ",
      p.open_multiplier.fraction(), " +- ", p.jitter.fraction(),
      " <= ", absl::FormatDuration(p.max_open_duration), ", retry-after ", p.honor_retry_after);
  return out << absl::StrCat(", probes ", p.max_probes, ", successes ", p.success_threshold,
                             ", timeout ", absl::FormatDuration(p.probe_timeout), ", ramp ",
                             absl::FormatDuration(p.ramp_duration), " from ",
                             p.ramp_initial.fraction(), ", budget ", b.retry_ratio.fraction(),
                             " + ", b.min_retries_per_second, "/s over ",
                             absl::FormatDuration(b.window), " ", policy.shared_retry_budget, "}");
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_RANDOM_WORLD_H_
