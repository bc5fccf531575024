#include "client/cli/limits_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/output.h"

namespace fusebox::cli {
namespace {

Colour Against(double value, double limit) {
  if (limit <= 0 || value < limit / 2) return Colour::kNone;
  return value < limit ? Colour::kYellow : Colour::kRed;
}

void AddRule(const std::string& name, const std::string& now, const std::string& limit,
             Colour colour, Table& table) {
  table.AddRow({"  " + name, {absl::StrCat(now, ", ", limit), colour}});
}

void AddRate(const std::string& name, const v1::Window& window, double rate, Share threshold,
             uint32_t minimum_calls, Table& table) {
  const std::string now = absl::StrCat(PercentText(rate), " of ", window.calls(), " calls");
  if (!threshold.on()) return AddRule(name, now, "off", Colour::kNone, table);
  // Before there are enough calls the rate says nothing.
  const bool counts = window.calls() >= minimum_calls;
  AddRule(name, now,
          absl::StrCat("limit ", PercentText(threshold.fraction()), " of at least ", minimum_calls),
          counts ? Against(rate, threshold.fraction()) : Colour::kNone, table);
}

}  // namespace

std::string WindowName(const CircuitBreakerPolicy& policy) {
  if (policy.window_calls > 0) {
    return absl::StrCat("of the last ", policy.window_calls, " calls");
  }
  return absl::StrCat("of the last ", absl::FormatDuration(policy.window_duration));
}

Cell FailureRateCell(const v1::Breaker& breaker, const CircuitBreakerPolicy& policy) {
  const v1::Window& window = breaker.window();
  const Share threshold = policy.failure_rate_threshold;
  std::string text = window.calls() == 0 ? "-" : PercentText(window.failure_rate());
  absl::StrAppend(&text, " / ", threshold.on() ? PercentText(threshold.fraction()) : "off");
  const bool counts = window.calls() >= policy.minimum_calls;
  return {std::move(text),
          counts ? Against(window.failure_rate(), threshold.fraction()) : Colour::kNone};
}

void AddLimits(const v1::Breaker& breaker, const CircuitBreakerPolicy& policy, Table& table) {
  const uint32_t run = policy.consecutive_failures;
  AddRule("failures in a row", absl::StrCat(breaker.consecutive_failures()),
          run == 0 ? "off" : absl::StrCat("limit ", run),
          Against(breaker.consecutive_failures(), run), table);
  const v1::Window& window = breaker.window();
  AddRate("failed", window, window.failure_rate(), policy.failure_rate_threshold,
          policy.minimum_calls, table);
  AddRate("slow", window, window.slow_rate(), policy.slow_call_rate_threshold, policy.minimum_calls,
          table);
  if (policy.min_failing_clients > 1) {
    AddRule("failing clients", absl::StrCat(breaker.failing_clients_size()),
            absl::StrCat("and at least ", policy.min_failing_clients), Colour::kNone, table);
  }
}

}  // namespace fusebox::cli
