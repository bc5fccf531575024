#include "core/policy.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/error.h"
#include "core/glob.h"

namespace fusebox {
namespace {

// With every millionth that it was given.
std::string Shown(double number) { return absl::StrFormat("%.9g", number); }

// Collects complaints in one wording: "<field> is <value>; set it between <min> and <max>".
class Checker {
 public:
  explicit Checker(absl::string_view prefix) : prefix_(prefix) {}

  void Count(absl::string_view field, uint32_t value, uint32_t min, uint32_t max,
             absl::string_view note) {
    if (value >= min && value <= max) return;
    Complain(field, absl::StrCat(value),
             absl::StrCat("set it between ", min, " and ", max, " (", note, ")"));
  }

  void Duration(absl::string_view field, absl::Duration value, absl::Duration min,
                absl::Duration max, absl::string_view note) {
    if (value >= min && value <= max) return;
    Complain(field, absl::FormatDuration(value),
             absl::StrCat("set it between ", absl::FormatDuration(min), " and ",
                          absl::FormatDuration(max), " (", note, ")"));
  }

  void Fraction(absl::string_view field, Share value, double min, double max,
                absl::string_view note) {
    const double got = value.fraction();
    if (got >= min && got <= max) return;
    // Percentages are the mistake that everybody makes once.
    const bool percent = max <= 1 && got > 1 && got <= 100;
    Complain(field, Shown(got),
             absl::StrCat(
                 "set it between ", Shown(min), " and ", Shown(max), " (", note, ")",
                 percent ? absl::StrCat("; for ", Shown(got), " % write ", Shown(got / 100)) : ""));
  }

  void Complain(absl::string_view field, absl::string_view value, absl::string_view remedy) {
    std::string path = absl::StrCat(prefix_, field);
    std::string message = absl::StrCat(path, " is ", value, "; ", remedy);
    errors_.push_back({std::move(path), std::move(message)});
  }

  std::vector<FieldError> Take() && { return std::move(errors_); }

 private:
  std::string prefix_;
  std::vector<FieldError> errors_;
};

void CheckTripConditions(const CircuitBreakerPolicy& p, Checker& check) {
  if (p.window_calls != 0) {
    check.Count("window_calls", p.window_calls, 1, 10'000, "no default");
  } else {
    check.Duration("window_duration", p.window_duration, absl::Milliseconds(100), absl::Hours(1),
                   "default 10s");
  }
  check.Count("consecutive_failures", p.consecutive_failures, 0, 1'000'000, "default 5; 0 is off");
  check.Fraction("failure_rate_threshold", p.failure_rate_threshold, 0, 1, "default 0.5; 0 is off");
  check.Fraction("slow_call_rate_threshold", p.slow_call_rate_threshold, 0, 1,
                 "default 0, which is off");
  if (p.slow_call_rate_threshold.on()) {
    check.Duration("slow_call_duration_threshold", p.slow_call_duration_threshold,
                   absl::Milliseconds(1), absl::Hours(24), "needed by slow_call_rate_threshold");
  }
  check.Count("minimum_calls", p.minimum_calls, 1, 1'000'000, "default 20");
  if (p.window_calls != 0 && p.window_calls < p.minimum_calls && p.window_calls <= 10'000) {
    check.Complain("minimum_calls", absl::StrCat(p.minimum_calls),
                   absl::StrCat("a window of ", p.window_calls,
                                " calls never holds so many; set it to at most window_calls"));
  }
  check.Count("min_failing_clients", p.min_failing_clients, 1, 64, "default 1");
}

void CheckRecovery(const CircuitBreakerPolicy& p, Checker& check) {
  const absl::Duration ms = absl::Milliseconds(1);
  check.Duration("open_duration", p.open_duration, ms, absl::Hours(1), "default 30s");
  check.Fraction("open_multiplier", p.open_multiplier, 1, 10, "default 1");
  check.Fraction("jitter", p.jitter, 0, 1, "default 0");
  check.Duration("max_open_duration", p.max_open_duration, std::max(ms, p.open_duration),
                 absl::Hours(24), "default 10m, at least open_duration");
  check.Count("max_probes", p.max_probes, 1, 1'000, "default 3");
  check.Count("success_threshold", p.success_threshold, 1, 1'000, "default 2");
  check.Duration("probe_timeout", p.probe_timeout, ms, absl::Hours(1), "default 60s");
  check.Duration("ramp_duration", p.ramp_duration, absl::ZeroDuration(), absl::Hours(1),
                 "default 0, which is off");
  check.Fraction("ramp_initial", p.ramp_initial, 0.000001, 1, "default 0.1");
}

void CheckBackoff(const RetryPolicy& p, Checker& check) {
  const absl::Duration ms = absl::Milliseconds(1);
  check.Count("max_attempts", p.max_attempts, 1, 100, "default 3; 1 is no retries");
  check.Duration("base_backoff", p.base_backoff, ms, absl::Hours(1), "default 100ms");
  check.Fraction("backoff_multiplier", p.backoff_multiplier, 1, 10, "default 2");
  check.Duration("max_backoff", p.max_backoff, std::clamp(p.base_backoff, ms, absl::Hours(1)),
                 absl::Hours(1), "default 10s, at least base_backoff");
  check.Fraction("jitter", p.jitter, 0, 1, "default 1");
  check.Fraction("timeout_multiplier", p.timeout_multiplier, 0, 100, "default 2");
  check.Fraction("rate_limit_multiplier", p.rate_limit_multiplier, 0, 100, "default 5");
  check.Fraction("unsent_multiplier", p.unsent_multiplier, 0, 100, "default 0.5");
  check.Fraction("likely_multiplier", p.likely_multiplier, 0, 100, "default 0.5");
  check.Fraction("unlikely_multiplier", p.unlikely_multiplier, 0, 100, "default 3");
}

void CheckAttemptTimeouts(const RetryPolicy& p, Checker& check) {
  if (p.base_timeout == absl::ZeroDuration()) return;
  check.Duration("base_timeout", p.base_timeout, absl::Milliseconds(1), absl::Hours(1),
                 "default 0, which is off");
  check.Fraction("timeout_growth", p.timeout_growth, 1, 10, "default 1.5");
  check.Duration("max_timeout", p.max_timeout,
                 std::clamp(p.base_timeout, absl::Milliseconds(1), absl::Hours(1)), absl::Hours(1),
                 "default 1m, at least base_timeout");
}

// Of a part that is off only the switch itself matters.
void CheckRateLimit(const RateLimitPolicy& p, Checker& check) {
  check.Count("rate", p.rate, 0, 1'000'000, "default 0, which is off; for more shorten per");
  if (!p.on()) return;
  check.Duration("per", p.per, absl::Milliseconds(1), absl::Hours(1), "default 1s");
  check.Count("burst", p.burst, 0, 1'000'000, "default 0, which is as rate");
}

void CheckBulkhead(const BulkheadPolicy& p, Checker& check) {
  check.Count("max_concurrent", p.max_concurrent, 0, 100'000, "default 0, which is off");
  if (!p.on()) return;
  check.Duration("lease_timeout", p.lease_timeout, absl::Milliseconds(1), absl::Hours(24),
                 "default 60s");
}

void CheckQueue(const QueuePolicy& p, Checker& check) {
  check.Duration("max_wait", p.max_wait, absl::ZeroDuration(), absl::Minutes(1),
                 "default 10s; 0 is not to wait");
  check.Count("max_queue", p.max_queue, 0, 100'000, "default 100");
}

void CheckIdempotency(const IdempotencyPolicy& p, Checker& check) {
  check.Duration("ttl", p.ttl, absl::ZeroDuration(), absl::Hours(24), "default 0, which is off");
  if (p.on()) check.Count("max_keys", p.max_keys, 1, 1'000'000, "default 10000");
}

void CheckNames(const Policy& policy, Checker& check) {
  if (!IsResourceName(policy.name)) {
    check.Complain("name", QuoteForError(policy.name),
                   "use 1 to 63 lower-case letters, digits and dashes");
  }
  if (policy.name == "default" && !policy.match.empty()) {
    check.Complain("match", "set", "the policy \"default\" matches all; remove its match");
  }
  if (policy.name != "default" && policy.match.empty()) {
    check.Complain("match", "empty", "give at least one glob, like \"payments/**\"");
  }
  if (policy.match.size() > kMaxGlobsPerPolicy) {
    check.Complain("match", absl::StrCat(policy.match.size(), " globs"),
                   absl::StrCat("give at most ", kMaxGlobsPerPolicy,
                                ", wider ones, or define one more policy for the rest"));
  }
  for (size_t i = 0; i < std::min(policy.match.size(), kMaxGlobsPerPolicy); ++i) {
    const absl::StatusOr<Glob> glob = Glob::Parse(policy.match[i]);
    if (glob.ok()) continue;
    check.Complain(absl::StrCat("match[", i, "]"), QuoteForError(policy.match[i]),
                   glob.status().message());
  }
  if (!policy.shared_retry_budget.empty() && !IsResourceName(policy.shared_retry_budget)) {
    check.Complain("shared_retry_budget", QuoteForError(policy.shared_retry_budget),
                   "use 1 to 63 lower-case letters, digits and dashes");
  }
}

}  // namespace

std::vector<FieldError> Validate(const RetryBudgetPolicy& policy, absl::string_view prefix) {
  Checker check(prefix);
  check.Fraction("retry_ratio", policy.retry_ratio, 0, 1000, "default 0.2");
  if (policy.retry_ratio.millionths() > 0 && policy.retry_ratio.millionths() < 1000) {
    check.Complain("retry_ratio", Shown(policy.retry_ratio.fraction()),
                   "budgets count in thousandths; set it to 0 or at least 0.001");
  }
  check.Count("min_retries_per_second", policy.min_retries_per_second, 0, 1'000'000, "default 10");
  check.Duration("window", policy.window, absl::Seconds(1), absl::Minutes(1), "default 10s");
  return std::move(check).Take();
}

std::vector<FieldError> Validate(const RetryPolicy& policy, absl::string_view prefix) {
  Checker check(prefix);
  CheckBackoff(policy, check);
  check.Fraction("retry_failure_rate_limit", policy.failure_rate_limit, 0, 1,
                 "default 0.8; 0 is off");
  check.Fraction("min_success_probability", policy.min_success_probability, 0, 1,
                 "default 0.1; 0 is off");
  check.Fraction("explore_share", policy.explore_share, 0, 1, "default 0.05");
  CheckAttemptTimeouts(policy, check);
  return std::move(check).Take();
}

std::vector<FieldError> Validate(const HedgePolicy& policy, absl::string_view prefix) {
  Checker check(prefix);
  if (policy.percentile.on()) {
    check.Fraction("percentile", policy.percentile, 0.5, 0.9999, "default 0, which is off");
  }
  if (policy.delay != absl::ZeroDuration()) {
    check.Duration("delay", policy.delay, absl::Milliseconds(1), absl::Hours(1),
                   "default 0, which is off");
  }
  check.Count("min_samples", policy.min_samples, 1, 10'000, "default 100");
  return std::move(check).Take();
}

std::vector<FieldError> Validate(const Policy& policy) {
  Checker names("");
  CheckNames(policy, names);
  Checker breaker("circuit_breaker.");
  CheckTripConditions(policy.circuit_breaker, breaker);
  CheckRecovery(policy.circuit_breaker, breaker);

  Checker rate_limit("rate_limit.");
  CheckRateLimit(policy.rate_limit, rate_limit);
  Checker bulkhead("bulkhead.");
  CheckBulkhead(policy.bulkhead, bulkhead);
  Checker queue("queue.");
  CheckQueue(policy.queue, queue);
  Checker idempotency("idempotency.");
  CheckIdempotency(policy.idempotency, idempotency);

  std::vector<FieldError> errors = std::move(names).Take();
  const auto append = [&errors](std::vector<FieldError> more) {
    for (FieldError& error : more) errors.push_back(std::move(error));
  };
  append(std::move(breaker).Take());
  append(Validate(policy.retry_budget, "retry_budget."));
  append(Validate(policy.retry, "retry."));
  append(Validate(policy.hedge, "hedge."));
  append(std::move(rate_limit).Take());
  append(std::move(bulkhead).Take());
  append(std::move(queue).Take());
  append(std::move(idempotency).Take());
  return errors;
}

bool IsResourceName(absl::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

}  // namespace fusebox
