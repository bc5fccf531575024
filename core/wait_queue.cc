#include "core/wait_queue.h"

namespace fusebox {

bool WaitQueue::Enqueue(uint64_t id, Tick deadline, size_t capacity) {
  if (line_.size() >= capacity || !line_.Add(id, deadline)) {
    ++refused_;
    return false;
  }
  deadlines_.emplace(deadline, id);
  return true;
}

bool WaitQueue::Remove(uint64_t id) {
  const Tick* deadline = line_.Find(id);
  if (deadline == nullptr) return false;
  deadlines_.erase({*deadline, id});
  return line_.Remove(id);
}

bool WaitQueue::Cancel(uint64_t id) {
  if (!Remove(id)) return false;
  ++cancelled_;
  return true;
}

std::optional<uint64_t> WaitQueue::Next() const {
  if (line_.empty()) return std::nullopt;
  return line_.front().id;
}

std::optional<uint64_t> WaitQueue::PopReady() {
  const std::optional<uint64_t> next = Next();
  if (next.has_value()) {
    Remove(*next);
    ++popped_;
  }
  return next;
}

std::optional<uint64_t> WaitQueue::PopExpired(Tick now) {
  if (deadlines_.empty() || NextDeadline() > now) return std::nullopt;
  const uint64_t id = deadlines_.begin()->second;
  Remove(id);
  ++expired_;
  return id;
}

Tick WaitQueue::NextDeadline() const {
  return deadlines_.empty() ? Tick::Max() : deadlines_.begin()->first;
}

}  // namespace fusebox
