// Random traffic against a bulkhead and against a plain list of who is out. Each run prints its
// seed; RC_PARAMS="seed=..." tells the same stories again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "core/bulkhead.h"

namespace fusebox {
namespace {

constexpr int kSteps = 400;

// Remembers every lease and looks at all of them each time.
class PlainBulkhead {
 public:
  struct Lease {
    PermitId permit;
    Tick taken;
    absl::Duration asked;  // Of its holder.
  };

  Tick EndOf(const Lease& lease) const { return lease.taken + std::min(timeout, lease.asked); }
  void Advance(Tick now) {
    expired += std::erase_if(leases, [&](const Lease& l) { return EndOf(l) <= now; });
  }
  bool Remove(PermitId permit) {
    return std::erase_if(leases, [&](const Lease& l) { return l.permit == permit; }) > 0;
  }

  absl::Duration timeout;
  std::vector<Lease> leases;
  uint64_t granted = 0;
  uint64_t expired = 0;
};

// Callers whose permits come back in any order, twice, late or never.
class World {
 public:
  World() { plain_.timeout = policy_.lease_timeout; }

  void Take(absl::Duration lease) {
    const PermitId permit{epoch_, next_number_++};
    const bool granted = bulkhead_.TryTake(policy_, permit, now_, lease);
    RC_ASSERT(granted == (plain_.leases.size() < policy_.max_concurrent));
    // Never more than the bound; more of them stay only where there was a higher one.
    if (granted) RC_ASSERT(bulkhead_.InUse() <= policy_.max_concurrent);
    permits_.push_back(permit);
    if (!granted) return;
    plain_.leases.push_back({permit, now_, lease});
    ++plain_.granted;
  }

  void Return(uint32_t pick) {
    const PermitId permit = Pick(pick);
    RC_ASSERT(bulkhead_.Return(permit, now_) == plain_.Remove(permit));
  }

  void GiveBack(uint32_t pick) {
    const PermitId permit = Pick(pick);
    const bool held = plain_.Remove(permit);
    plain_.granted -= held;
    RC_ASSERT(bulkhead_.GiveBack(permit, now_) == held);
  }

  void Pass(absl::Duration pause) {
    now_ += pause;
    plain_.Advance(now_);
  }

  void ChangePolicy(uint32_t max_concurrent, absl::Duration lease_timeout) {
    policy_ = {.max_concurrent = max_concurrent, .lease_timeout = lease_timeout};
    bulkhead_.ChangePolicy(policy_, now_);
    plain_.timeout = lease_timeout;
    bulkhead_.Advance(now_);
    plain_.Advance(now_);
  }

  void NextEpoch() {
    ++epoch_;
    next_number_ = 0;
  }

  void Compare() {
    bulkhead_.Advance(now_);
    RC_ASSERT(bulkhead_.InUse() == plain_.leases.size());
    RC_ASSERT(bulkhead_.granted() == plain_.granted);
    RC_ASSERT(bulkhead_.expired() == plain_.expired);
    Tick next = Tick::Max();
    for (const auto& lease : plain_.leases) next = std::min(next, plain_.EndOf(lease));
    const bool same_deadline = bulkhead_.NextDeadline() == next;
    RC_ASSERT(same_deadline);
  }

 private:
  // One of the last; sometimes one that nobody has.
  PermitId Pick(uint32_t pick) const {
    if (pick >= permits_.size()) return {epoch_ + 1, pick};
    return permits_[permits_.size() - 1 - pick];
  }

  BulkheadPolicy policy_{.max_concurrent = 3, .lease_timeout = absl::Seconds(10)};
  Bulkhead bulkhead_{policy_};
  PlainBulkhead plain_;
  Tick now_ = Tick::FromNanos(5'000'000'000);
  uint64_t epoch_ = 1;
  uint64_t next_number_ = 0;
  std::vector<PermitId> permits_;
};

void Step(World& world) {
  switch (*rc::gen::inRange(0, 20)) {
    case 0:
      return world.ChangePolicy(*rc::gen::inRange<uint32_t>(1, 6),
                                absl::Seconds(*rc::gen::element(1, 10, 60)));
    case 1:
      return world.NextEpoch();
    case 2:
    case 3:
      return world.GiveBack(*rc::gen::inRange<uint32_t>(0, 3));
    case 4:
    case 5:
    case 6:
      return world.Pass(absl::Milliseconds(*rc::gen::element(0, 1, 500, 999, 1'000, 9'000)));
    case 7:
    case 8:
    case 9:
    case 10:
      return world.Return(*rc::gen::inRange<uint32_t>(0, 9));
    default:
      return world.Take(*rc::gen::element(absl::InfiniteDuration(), absl::Milliseconds(500),
                                          absl::Seconds(2), absl::Seconds(30)));
  }
}

// Leases in use never exceed the bound, each ends once, and who is out is who should be.
RC_GTEST_PROP(BulkheadProperties, AgreesWithAPlainListOfLeases, ()) {
  World world;
  for (int i = 0; i < kSteps; ++i) {
    Step(world);
    world.Compare();
  }
}

// How often somebody looks changes nothing.
RC_GTEST_PROP(BulkheadProperties, AgreesWithoutBeingLookedAt, ()) {
  World world;
  for (int i = 0; i < kSteps; ++i) Step(world);
  world.Compare();
}

}  // namespace
}  // namespace fusebox
