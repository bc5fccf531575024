// Random queues against a plain list of who waits. Each run prints its seed; RC_PARAMS="seed=..."
// tells the same stories again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "core/wait_queue.h"

namespace fusebox {
namespace {

constexpr int kSteps = 400;

// Every operation on the queue, next to a list in the order of coming.
class World {
 public:
  void Enqueue(size_t capacity, absl::Duration wait) {
    const uint64_t id = next_id_++ * 0x9e3779b97f4a7c15;  // In no order.
    const bool room = waiting_.size() < capacity;
    RC_ASSERT(queue_.Enqueue(id, now_ + wait, capacity) == room);
    if (room) waiting_.push_back({id, now_ + wait});
  }

  void Pop() {
    const std::optional<uint64_t> id = queue_.PopReady();
    RC_ASSERT(id.has_value() == !waiting_.empty());
    if (!id.has_value()) return;
    RC_ASSERT(*id == waiting_.front().id);
    Leave(*id);
  }

  void Cancel(size_t pick) {
    if (pick >= waiting_.size()) {
      RC_ASSERT(!queue_.Cancel(gone_.empty() ? 1 : *gone_.begin()));
      return;
    }
    const uint64_t id = waiting_[pick].id;
    RC_ASSERT(queue_.Cancel(id));
    Leave(id);
  }

  void Pass(absl::Duration pause) {
    now_ += pause;
    Tick last;
    while (const auto id = queue_.PopExpired(now_)) {
      const auto waiter = Find(*id);
      RC_ASSERT(waiter != waiting_.end());
      const bool in_order = last <= waiter->deadline;
      RC_ASSERT(in_order);
      last = waiter->deadline;
      Leave(*id);
    }
  }

  void Compare() const {
    Tick next = Tick::Max();
    for (const Waiter& waiter : waiting_) {
      next = std::min(next, waiter.deadline);
      RC_ASSERT((waiter.deadline > now_));  // Whose deadline has come is not there any more.
    }
    RC_ASSERT((queue_.NextDeadline() == next));
    RC_ASSERT(queue_.size() == waiting_.size());
    RC_ASSERT(queue_.Next().has_value() == !waiting_.empty());
    if (!waiting_.empty()) RC_ASSERT(*queue_.Next() == waiting_.front().id);
    RC_ASSERT(queue_.queued() == waiting_.size() + gone_.size());
  }

 private:
  struct Waiter {
    uint64_t id;
    Tick deadline;
  };

  std::vector<Waiter>::iterator Find(uint64_t id) {
    return std::find_if(waiting_.begin(), waiting_.end(),
                        [id](const Waiter& w) { return w.id == id; });
  }

  // No id leaves twice, so none is both expired and granted.
  void Leave(uint64_t id) {
    RC_ASSERT(gone_.insert(id).second);
    waiting_.erase(Find(id));
  }

  WaitQueue queue_;
  std::vector<Waiter> waiting_;
  std::set<uint64_t> gone_;
  Tick now_ = Tick::FromNanos(77);
  uint64_t next_id_ = 1;
};

// First come, first served, everybody leaves once, and the size is what the list's is.
RC_GTEST_PROP(WaitQueueProperties, AgreesWithAPlainList, ()) {
  World world;
  for (int i = 0; i < kSteps; ++i) {
    switch (*rc::gen::inRange(0, 10)) {
      case 0:
      case 1:
        world.Pop();
        break;
      case 2:
      case 3:
        world.Cancel(*rc::gen::inRange<size_t>(0, 9));
        break;
      case 4:
      case 5:
        world.Pass(absl::Milliseconds(*rc::gen::element(0, 1, 10, 99)));
        break;
      default:
        world.Enqueue(*rc::gen::element<size_t>(0, 3, 20, 20, 20),
                      absl::Milliseconds(*rc::gen::element(1, 10, 50, 100, 1'000)));
    }
    world.Compare();
  }
}

}  // namespace
}  // namespace fusebox
