#ifndef FUSEBOX_TESTS_CORE_LIMITS_MODEL_H_
#define FUSEBOX_TESTS_CORE_LIMITS_MODEL_H_

#include <rapidcheck.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "core/call.h"
#include "core/permit_id.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

// What the callers of one breaker know of its limits: who is out, with which key, and when the
// calls were made. Plain lists, and nothing of how core keeps them. Fails the story when a promise
// is broken.
class LimitsModel {
 public:
  LimitsModel(Policy policy, Tick now) : policy_(std::move(policy)), now_(now) {}

  void Pass(Tick now) {
    now_ = now;
    const absl::Duration timeout = policy_.bulkhead.lease_timeout;
    std::erase_if(places_, [&](const Taken& t) { return t.at + timeout <= now_; });
    std::erase_if(keys_, [&](const auto& held) { return held.second.at <= now_; });
  }

  // The call was granted, and not only by SHADOW.
  void Grant(const Question& question, PermitId permit) {
    if (policy_.bulkhead.on()) {
      places_.push_back({permit, now_});
      RC_ASSERT(places_.size() <= policy_.bulkhead.max_concurrent);
    }
    if (policy_.rate_limit.on()) {
      tokens_.push_back({permit, now_});
      CheckRate();
    }
    if (!policy_.idempotency.on() || question.idempotency_key.empty()) return;
    // Two calls with one key are never out at once.
    const auto [held, is_free] = keys_.try_emplace(std::string(question.idempotency_key));
    RC_ASSERT(is_free);
    const bool bulkhead = policy_.bulkhead.on();
    const absl::Duration lease =
        bulkhead ? policy_.bulkhead.lease_timeout : policy_.circuit_breaker.probe_timeout;
    held->second = {permit, now_ + lease};
  }

  // The call ended.
  void End(PermitId permit) {
    std::erase_if(places_, [permit](const Taken& t) { return t.permit == permit; });
    std::erase_if(keys_, [permit](const auto& held) { return held.second.permit == permit; });
  }

  // The call was not made.
  void GiveBack(PermitId permit) {
    End(permit);
    std::erase_if(tokens_, [permit](const Taken& t) { return t.permit == permit; });
  }

  // Other numbers. What is switched off forgets; whoever is out under a bound that is lowered
  // stays.
  void ChangePolicy(const Policy& to) {
    const RateLimitPolicy& from = policy_.rate_limit;
    const bool same_rate = from.rate == to.rate_limit.rate && from.per == to.rate_limit.per &&
                           Burst(from) == Burst(to.rate_limit);
    policy_ = to;
    if (!same_rate) tokens_.clear();
    if (!to.bulkhead.on()) places_.clear();
    if (!to.idempotency.on()) keys_.clear();
    Pass(now_);
  }

  // Tokens are there as if none had been taken; who is out stays out.
  void Reset() { tokens_.clear(); }

  size_t places() const { return places_.size(); }

 private:
  struct Taken {
    PermitId permit = {};
    Tick at = {};  // When it was taken; of a key, until when it is held.
  };

  static uint32_t Burst(const RateLimitPolicy& policy) {
    return policy.burst == 0 ? policy.rate : policy.burst;
  }

  // Over every stretch of time that ends with the newest call: all others were checked before.
  void CheckRate() const {
    const absl::int128 per = absl::ToInt64Nanoseconds(policy_.rate_limit.per);
    absl::int128 calls = tokens_.size();
    bool within = true;
    for (const Taken& first : tokens_) {
      const absl::int128 length = now_.nanos() - first.at.nanos();
      within =
          within && (calls - Burst(policy_.rate_limit)) * per <= length * policy_.rate_limit.rate;
      calls -= 1;
    }
    RC_ASSERT(within);
  }

  Policy policy_;
  Tick now_;
  std::vector<Taken> places_;
  std::vector<Taken> tokens_;  // Since the rate limit was changed or reset.
  std::map<std::string, Taken, std::less<>> keys_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_LIMITS_MODEL_H_
