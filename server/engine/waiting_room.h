#ifndef FUSEBOX_SERVER_ENGINE_WAITING_ROOM_H_
#define FUSEBOX_SERVER_ENGINE_WAITING_ROOM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Who waits for an answer, by number: what core does not know of a call in a queue. `Guest` has the
// name of the breaker that it waits for, as `breaker()`. Thread-safe.
//
//   const uint64_t id = room.Enter(guest);   // 0: full.
//   ... the breaker says that it is the turn of `id` ...
//   room.Leave(id)->answered(answer);
template <typename Guest>
class WaitingRoom {
 public:
  explicit WaitingRoom(size_t capacity) : capacity_(capacity) {}

  // A number that no other guest has had; 0 if there is no room.
  uint64_t Enter(Guest guest) {
    MutexLock lock(&mutex_);
    if (guests_.size() >= capacity_) return 0;
    guests_.emplace(++last_id_, std::move(guest));
    return last_id_;
  }

  // Takes one out; absent if it has left already.
  std::optional<Guest> Leave(uint64_t id) {
    MutexLock lock(&mutex_);
    auto node = guests_.extract(id);
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
  }

  // For which breaker it waits; absent if it has left already.
  std::optional<std::string> BreakerOf(uint64_t id) const {
    MutexLock lock(&mutex_);
    const auto found = guests_.find(id);
    if (found == guests_.end()) return std::nullopt;
    return found->second.breaker();
  }

  // For which breakers somebody waits; one may be in it several times.
  std::vector<std::string> Breakers() const {
    std::vector<std::string> breakers;
    MutexLock lock(&mutex_);
    for (const auto& [id, guest] : guests_) breakers.push_back(guest.breaker());
    return breakers;
  }

  size_t size() const {
    MutexLock lock(&mutex_);
    return guests_.size();
  }

  // How many have come in so far.
  uint64_t entered() const {
    MutexLock lock(&mutex_);
    return last_id_;
  }

 private:
  const size_t capacity_;
  mutable Mutex mutex_;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::node_hash_map<uint64_t, Guest> guests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_WAITING_ROOM_H_
