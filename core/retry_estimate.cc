#include "core/retry_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fusebox {
namespace {

constexpr double kSecond = 1e9;  // In nanoseconds, as are the half-lives.

constexpr double kUpHalfLife = 0.1 * kSecond;
constexpr double kUpAloneHalfLife = 30 * kSecond;
constexpr double kUpCalls = 8;
constexpr double kUpPriorMean = 0.5;
constexpr double kUpPriorWeight = 1;

constexpr double kWorthHalfLife = 300 * kSecond;
constexpr double kWorthPriorWeight = 4;
constexpr double kWorthMaxWeight = 64;
constexpr double kForgottenAfter = 12 * kWorthHalfLife;  // 64 / 2^12 of a retry is nothing.

constexpr double kMaxProbability = 0.999;

constexpr uint32_t kFirstRetry = 2;
constexpr uint32_t kAttemptsApart = 3;  // 2, 3, and 4 with all above.

double Age(Tick since, Tick now) { return static_cast<double>(now.nanos() - since.nanos()); }

// What is left of a weight of 1.
double Faded(double age, double half_life) { return std::exp2(-age / half_life); }

}  // namespace

size_t RetryEstimate::IndexOf(Outcome previous, uint32_t attempt) {
  const uint32_t row = previous == Outcome::kTimeout       ? 1
                       : previous == Outcome::kRateLimited ? 2
                                                           : 0;
  const uint32_t column = std::max(attempt, kFirstRetry) - kFirstRetry;
  return row * kAttemptsApart + std::min(column, kAttemptsApart - 1);
}

RetryEstimate::Recent RetryEstimate::RecentAt(Tick now) const {
  if (recent_.calls == 0) return recent_;
  const double age = Age(recent_since_, now);
  const double by_time = recent_.calls * Faded(age, kUpHalfLife);
  const double by_count = std::min(recent_.calls, kUpCalls) * Faded(age, kUpAloneHalfLife);
  const double calls = std::max(by_time, by_count);
  return {calls, recent_.successes * (calls / recent_.calls)};
}

void RetryEstimate::LearnFirst(bool success, uint32_t calls, Tick now) {
  if (calls == 0) return;
  if (unpaired_) Pair(success, now);
  recent_ = RecentAt(now);
  recent_since_ = now;
  recent_.calls += calls;
  if (success) recent_.successes += calls;
}

void RetryEstimate::LearnRetries(Outcome previous, uint32_t attempt, uint32_t succeeded,
                                 uint32_t failed) {
  Kind& kind = kinds_[IndexOf(previous, attempt)];
  // As many as there is room for: more without one first attempt say no more than fewer.
  const uint64_t room = std::numeric_limits<uint8_t>::max() - kind.unpaired;
  const uint64_t all = uint64_t{succeeded} + failed;
  if (all == 0 || room == 0) return;
  const uint64_t taken = std::min(all, room);
  kind.unpaired += static_cast<uint8_t>(taken);
  kind.unpaired_succeeded += static_cast<uint8_t>(succeeded * taken / all);
  unpaired_ = true;
}

void RetryEstimate::Pair(bool first_succeeded, Tick now) {
  const double left = Faded(Age(kinds_since_, now), kWorthHalfLife);
  for (Kind& kind : kinds_) {
    kind.succeeded = kind.succeeded * left + kind.unpaired_succeeded;
    kind.expected = kind.expected * left + (first_succeeded ? kind.unpaired : 0);
    kind.unpaired = kind.unpaired_succeeded = 0;
    const double weight = std::max(kind.succeeded, kind.expected);
    if (weight <= kWorthMaxWeight) continue;
    kind.succeeded *= kWorthMaxWeight / weight;
    kind.expected *= kWorthMaxWeight / weight;
  }
  kinds_since_ = now;
  unpaired_ = false;
}

double RetryEstimate::Probability(Outcome previous, uint32_t attempt, Tick now) const {
  const Recent recent = RecentAt(now);
  const double up =
      (recent.successes + kUpPriorMean * kUpPriorWeight) / (recent.calls + kUpPriorWeight);
  const Kind& kind = kinds_[IndexOf(previous, attempt)];
  const double left = Faded(Age(kinds_since_, now), kWorthHalfLife);
  const double worth =
      (kind.succeeded * left + kWorthPriorWeight) / (kind.expected * left + kWorthPriorWeight);
  return std::min(up * worth, kMaxProbability);
}

bool RetryEstimate::IsBlank(Tick now) const {
  return !unpaired_ && Age(std::max(recent_since_, kinds_since_), now) >= kForgottenAfter;
}

}  // namespace fusebox
