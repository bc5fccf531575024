#ifndef FUSEBOX_CORE_WAIT_QUEUE_H_
#define FUSEBOX_CORE_WAIT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/btree_set.h"
#include "core/id_line.h"
#include "core/tick.h"

namespace fusebox {

// Who waits for one breaker, for a place in its bulkhead or for a token of its rate limit: first
// come, first served.
//
//   Enqueue --> PopReady        its turn came
//           --> PopExpired      its deadline came first
//           --> Cancel          it gave up
//
// Each waiter leaves exactly once, in one of these ways, and its slot is free at once. It is but an
// id here: who waits, and with what, is known to the owner, and no thread stands behind it.
//
// The owner keeps three rules, and then nobody is overtaken:
//
//   a call that comes while somebody waits    queues, whatever is free
//   something came free, or is due            while (queue.Next() can have it) queue.PopReady()
//   before any of that                        while (queue.PopExpired(now)) {}
//
//   if (!queue.empty() || bulkhead.IsFull(policy, now)) {
//     if (!queue.Enqueue(id, now + wait, policy.max_queue)) ...   // full: refuse at once
//   }
//
// Holds about 90 bytes per waiter. Next() and a refused Enqueue() are O(1), the others O(log
// waiters). Not thread-safe: the owner serialises calls.
class WaitQueue {
 public:
  // At the end of the queue, until `deadline`. False if `capacity` or more wait, or `id` does.
  // Those who wait when a capacity is lowered stay.
  bool Enqueue(uint64_t id, Tick deadline, size_t capacity);

  // False if `id` does not wait, or not any more.
  bool Cancel(uint64_t id);

  // Whose turn is next, and taking that one out.
  std::optional<uint64_t> Next() const;
  std::optional<uint64_t> PopReady();

  // Takes out one whose deadline is at `now` or before, the earliest first.
  std::optional<uint64_t> PopExpired(Tick now);
  Tick NextDeadline() const;

  size_t size() const { return line_.size(); }
  bool empty() const { return line_.empty(); }

  // queued() = popped() + expired() + cancelled() + size().
  uint64_t queued() const { return popped_ + expired_ + cancelled_ + size(); }
  uint64_t popped() const { return popped_; }
  uint64_t expired() const { return expired_; }
  uint64_t cancelled() const { return cancelled_; }
  uint64_t refused() const { return refused_; }

 private:
  bool Remove(uint64_t id);

  IdLine<uint64_t, Tick> line_;  // With their deadlines.
  absl::btree_set<std::pair<Tick, uint64_t>> deadlines_;
  uint64_t popped_ = 0;
  uint64_t expired_ = 0;
  uint64_t cancelled_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_WAIT_QUEUE_H_
