#ifndef FUSEBOX_CORE_WAITERS_H_
#define FUSEBOX_CORE_WAITERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/node_hash_map.h"
#include "core/call.h"
#include "core/tick.h"
#include "core/wait_queue.h"

namespace fusebox {

// The calls that wait for one breaker, with what they asked: a WaitQueue that keeps questions.
//
// Holds about 250 bytes and its idempotency key per waiter. Not thread-safe.
class Waiters {
 public:
  // One that waits no more and is to be asked anew: its question does not wait again, and lives as
  // long as this.
  class Left {
   public:
    Left(uint64_t id, Question question, std::string key, bool in_turn);

    uint64_t id() const { return id_; }
    Question question() const;

   private:
    uint64_t id_;
    Question question_;
    std::string key_;
  };

  // `question.wait` says which one waits. False if there is no room: WaitQueue's.
  bool Enqueue(const Question& question, Tick until, size_t capacity);

  // Takes one out: the first, whose turn it is; one whose time is over at `now`. Absent if there is
  // none.
  std::optional<Left> TakeNext();
  std::optional<Left> TakeExpired(Tick now);

  // Takes out one that does not ask any more. False if it does not wait.
  bool Cancel(uint64_t id);

  Tick NextDeadline() const { return queue_.NextDeadline(); }
  size_t size() const { return queue_.size(); }
  bool empty() const { return queue_.empty(); }

 private:
  struct Asked {
    Question question;  // Without its key.
    std::string key;
  };

  Left TakeOut(uint64_t id, bool in_turn);

  WaitQueue queue_;
  absl::node_hash_map<uint64_t, Asked> asked_;
};

// The answer to a call that waited.
struct Turn {
  Waiters::Left asked;
  Decision decision = {};
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_WAITERS_H_
