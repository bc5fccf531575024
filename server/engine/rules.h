#ifndef FUSEBOX_SERVER_ENGINE_RULES_H_
#define FUSEBOX_SERVER_ENGINE_RULES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "core/override_set.h"
#include "core/policy_set.h"
#include "server/sync/mutex.h"

namespace fusebox {

// What rules breakers: policies and overrides, matched by name. Every change makes a new
// generation, by which a breaker knows that it has to be matched again. Thread-safe.
class Rules {
 public:
  struct Match {
    std::shared_ptr<const RulingPolicy> ruling;
    std::shared_ptr<const Override> override;  // Null: none.
    uint32_t generation;
  };
  struct Moment {
    Match Find(absl::string_view breaker) const {
      return {policies->Match(breaker), overrides->Match(breaker), generation};
    }

    std::shared_ptr<const PolicySet> policies;
    std::shared_ptr<const OverrideSet> overrides;
    uint32_t generation;
  };

  Rules() : policies_(*PolicySet::Make({})), overrides_(std::make_shared<OverrideSet>()) {}

  // Tries the globs that begin like the name: not to be called under a breaker's lock.
  Match Find(absl::string_view breaker) const { return Take().Find(breaker); }

  // All rules of one moment.
  Moment Take() const {
    MutexLock lock(&mutex_);
    return {policies_, overrides_, generation_.load(std::memory_order_relaxed)};
  }

  uint32_t generation() const { return generation_.load(std::memory_order_acquire); }

  void Set(std::shared_ptr<const PolicySet> policies) {
    MutexLock lock(&mutex_);
    policies_ = std::move(policies);
    generation_.fetch_add(1, std::memory_order_release);
  }
  void Set(std::shared_ptr<const OverrideSet> overrides) {
    MutexLock lock(&mutex_);
    overrides_ = std::move(overrides);
    generation_.fetch_add(1, std::memory_order_release);
  }

  std::shared_ptr<const PolicySet> policies() const {
    MutexLock lock(&mutex_);
    return policies_;
  }
  std::shared_ptr<const OverrideSet> overrides() const {
    MutexLock lock(&mutex_);
    return overrides_;
  }

 private:
  std::atomic<uint32_t> generation_{0};
  mutable Mutex mutex_;
  std::shared_ptr<const PolicySet> policies_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const OverrideSet> overrides_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_RULES_H_
