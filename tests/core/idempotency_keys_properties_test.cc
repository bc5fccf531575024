// Random callers of random keys against what is known of each of their tries. Each run prints its
// seed; RC_PARAMS="seed=..." tells the same stories again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/idempotency_keys.h"

namespace fusebox {
namespace {

using Begun = IdempotencyKeys::Begun;

constexpr int kSteps = 400;

// What became of one try, as somebody knows who never forgets.
struct Try {
  PermitId permit;
  Tick lease_end;
  std::optional<Outcome> outcome = {};
  Tick ended = {};

  bool IsInFlight(Tick now) const { return !outcome.has_value() && lease_end > now; }

  // Until when it is not known whether it was done; a lost holder's time starts with its lease's
  // end.
  Tick UnknownUntil(absl::Duration ttl) const {
    if (!outcome.has_value()) return lease_end + ttl;
    const bool unknown = *outcome == Outcome::kTimeout || *outcome == Outcome::kIgnored;
    return unknown ? ended + ttl : Tick();
  }
};

// All tries of one key, the newest last.
using Tries = std::vector<Try>;

Begun Judge(const Tries& tries, absl::Duration ttl, Tick now) {
  bool unknown = false;
  for (const Try& one : tries) {
    if (one.IsInFlight(now)) return Begun::kInFlight;
    if (one.outcome == Outcome::kSuccess && one.ended + ttl > now) return Begun::kSucceeded;
    unknown = unknown || one.UnknownUntil(ttl) > now;
  }
  return unknown ? Begun::kUnknown : Begun::kFresh;
}

class World {
 public:
  explicit World(const IdempotencyPolicy& policy) : policy_(policy) {}

  // What the tries say must be what the answer is; more than is known may be forgotten of successes
  // only, and only if some were above the bound.
  void Begin(const std::string& key, absl::Duration lease, bool retry_unknown) {
    const PermitId permit{1, next_number_++};
    const Begun judged = Judge(tries_[key], policy_.ttl, now_);
    const bool retried = judged == Begun::kUnknown && retry_unknown;
    const size_t pending = Pending();
    const Begun begun = keys_.Begin(policy_, key, permit, lease, retry_unknown, now_);
    if (begun == Begun::kFull) {
      RC_ASSERT(judged != Begun::kInFlight);
      RC_ASSERT(judged != Begun::kUnknown);
      RC_ASSERT(pending >= policy_.max_keys);
      return;
    }
    if (begun != Begun::kFresh) {
      RC_ASSERT(begun == judged);
      RC_ASSERT(!retried);
      return;
    }
    const bool was_forgotten = judged == Begun::kSucceeded && keys_.forgotten() > 0;
    RC_ASSERT((judged == Begun::kFresh || retried || was_forgotten));
    if (!retried) tries_[key].clear();
    tries_[key].push_back({permit, now_ + lease});
  }

  void End(const std::string& key, Outcome outcome) {
    Tries& tries = tries_[key];
    if (tries.empty()) return;
    Try& last = tries.back();
    const bool open = !last.outcome.has_value() && last.UnknownUntil(policy_.ttl) > now_;
    RC_ASSERT(keys_.End(policy_, last.permit, outcome, now_) == open);
    if (!open) return;
    const bool not_done = outcome == Outcome::kFailure || outcome == Outcome::kCallerError ||
                          outcome == Outcome::kRateLimited;
    // After its lease, and with others before it, its failure settles nothing.
    if (not_done && !last.IsInFlight(now_) && tries.size() > 1) {
      last.ended = last.lease_end;
      last.outcome = Outcome::kTimeout;
      return;
    }
    last.outcome = outcome;
    last.ended = now_;
  }

  // Begins and gives back: nobody must be able to tell.
  void BeginInVain(const std::string& key, absl::Duration lease) {
    const PermitId permit{2, next_number_++};
    if (keys_.Begin(policy_, key, permit, lease, true, now_) != Begun::kFresh) return;
    RC_ASSERT(keys_.GiveBack(permit, now_));
  }

  void Pass(absl::Duration pause) { now_ += pause; }

  void CheckBounds() {
    keys_.Advance(now_);
    RC_ASSERT(keys_.size() <= 2 * policy_.max_keys);
    RC_ASSERT(Pending() <= policy_.max_keys);
  }

 private:
  // How many keys must not be forgotten.
  size_t Pending() const {
    size_t pending = 0;
    for (const auto& [key, tries] : tries_) {
      const Begun judged = Judge(tries, policy_.ttl, now_);
      pending += judged == Begun::kInFlight || judged == Begun::kUnknown;
    }
    return pending;
  }

  const IdempotencyPolicy policy_;
  IdempotencyKeys keys_;
  std::map<std::string, Tries> tries_;
  Tick now_ = Tick::FromNanos(3'000'000'000);
  uint64_t next_number_ = 0;
};

std::string DrawKey() { return *rc::gen::element<std::string>("a", "b", "c", "d", "e", "f"); }

// So that some run out before others that began earlier.
absl::Duration DrawLease() { return absl::Seconds(*rc::gen::element(1, 2, 9)); }

Outcome DrawOutcome() {
  return *rc::gen::element(Outcome::kSuccess, Outcome::kFailure, Outcome::kTimeout,
                           Outcome::kRateLimited, Outcome::kCallerError, Outcome::kIgnored);
}

// If `in_vain`, calls begin in between that never were made.
void LiveThrough(World& world, bool in_vain) {
  for (int i = 0; i < kSteps; ++i) {
    switch (*rc::gen::inRange(0, 10)) {
      case 0:
      case 1:
        world.Pass(absl::Milliseconds(*rc::gen::element(1, 500, 1'999, 2'000, 7'000)));
        break;
      case 2:
      case 3:
      case 4:
        world.End(DrawKey(), DrawOutcome());
        break;
      default:
        if (in_vain) world.BeginInVain(DrawKey(), DrawLease());
        world.Begin(DrawKey(), DrawLease(), *rc::gen::arbitrary<bool>());
    }
    world.CheckBounds();
  }
}

IdempotencyPolicy DrawPolicy() {
  return {.ttl = absl::Seconds(*rc::gen::element(1, 5, 20)),
          .max_keys = *rc::gen::element<uint32_t>(1, 2, 4, 100)};
}

// No key that is under way, unknown or known to have succeeded is begun again, but for the
// successes that had to make room.
RC_GTEST_PROP(IdempotencyKeysProperties, AnswersByWhatIsKnownOfEveryTry, ()) {
  World world(DrawPolicy());
  LiveThrough(world, false);
}

// And all of that holds as well where calls were given back at every turn.
RC_GTEST_PROP(IdempotencyKeysProperties, EveryGiveBackIsExact, ()) {
  World world(DrawPolicy());
  LiveThrough(world, true);
}

}  // namespace
}  // namespace fusebox
