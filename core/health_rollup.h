#ifndef FUSEBOX_CORE_HEALTH_ROLLUP_H_
#define FUSEBOX_CORE_HEALTH_ROLLUP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/health.h"

namespace fusebox {

// Whether `name` is `prefix` or lies under it, by whole segments; the empty prefix covers all.
//
//   IsUnder("payments", "payments")          true
//   IsUnder("payments", "payments/charge")   true
//   IsUnder("payments", "payments.v1/x")     false
bool IsUnder(absl::string_view prefix, absl::string_view name);

// The health of many breakers as one:
//
//   HEALTHY     every breaker is HEALTHY
//   UNHEALTHY   every breaker is UNHEALTHY: not one takes calls
//   DEGRADED    all else, also if every breaker is DEGRADED: a breaker that probes or ramps takes
//               calls, and needs them to recover
//
// Of no breakers nothing can be said. The result is the same in whichever order they are added. A
// value type; holds the counts and at most kMaxWorst names.
class HealthRollup {
 public:
  static constexpr size_t kMaxWorst = 10;

  // One of them.
  struct Member {
    std::string name;
    Condition condition;

    friend bool operator==(const Member&, const Member&) = default;
  };

  // Each breaker is to be added once.
  void Add(absl::string_view name, const Condition& condition);

  // Empty without breakers.
  std::optional<Health> health() const;

  // The lowest of all scores, 0 to 1; 1 without breakers. A breaker that is OPEN has counted
  // nothing since it opened, so its score is 1.
  double score() const { return score_; }

  uint64_t healthy() const { return healthy_; }
  uint64_t degraded() const { return degraded_; }
  uint64_t unhealthy() const { return unhealthy_; }
  uint64_t breakers() const { return healthy_ + degraded_ + unhealthy_; }

  // Those that are not HEALTHY, the worst first: UNHEALTHY before DEGRADED, then by score, then by
  // name.
  const std::vector<Member>& worst() const { return worst_; }

 private:
  void AddToWorst(absl::string_view name, const Condition& condition);

  uint64_t healthy_ = 0;
  uint64_t degraded_ = 0;
  uint64_t unhealthy_ = 0;
  double score_ = 1;
  std::vector<Member> worst_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_HEALTH_ROLLUP_H_
