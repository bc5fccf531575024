#ifndef FUSEBOX_CLIENT_CPP_LOCAL_HAND_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_HAND_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/outcome.h"
#include "core/reason.h"
#include "core/tick.h"

namespace fusebox::internal {

// What calls a permit is for: the server counts them apart.
struct PermitKind {
  uint32_t attempt = 1;
  std::optional<Outcome> previous_failure = {};
  bool hedge = false;

  friend bool operator==(const PermitKind&, const PermitKind&) = default;
};

// A request for permits.
struct PermitWish {
  PermitKind kind = {};
  uint32_t count = 0;
};

// What the server lent in answer to a wish.
struct Loan {
  std::vector<std::string> permits = {};
  // How long each of them is held for this client; 0: they hold nothing.
  absl::Duration lease = {};
  // If they are fewer than were asked for: why, and when to ask again.
  Reason reason = Reason::kNone;
  absl::Duration retry_after = {};
};

// The permits of one breaker that the server has lent and no call has needed yet, and when to ask
// for more: for as many as calls needed since the last time.
//
// What nobody needs for a second goes back. But where a call was refused for want of a permit, one
// is kept for the next call for half of its lease, or for a minute: calls that come seldom would
// never find one otherwise, and a breaker that waits for their probes never close.
//
// Bounded. Not thread-safe.
class Hand {
 public:
  // Of one request, and of the requests for one kind on their way; the first is the protocol's.
  static constexpr uint32_t kMaxPermits = 100;
  static constexpr uint32_t kMaxWishes = 10;

  // The oldest permit for a call of this kind; empty if there is none. If it is time to ask for
  // more, asks() says so from now on.
  std::string Draw(const PermitKind& kind, Tick now);
  // As if so many calls of this kind were about to come.
  void Expect(const PermitKind& kind, uint32_t calls, Tick now);

  // What to ask for, once.
  std::vector<PermitWish> TakeWishes();
  bool asks() const { return asks_; }

  // The answer to the oldest wish that has none. Returns how many permits it took: with no wish,
  // none.
  size_t Take(Loan loan, Tick now);

  // Why nothing was lent the last time: a call that is refused is told.
  Reason ReasonOf(const PermitKind& kind) const;

  // Lays down what nobody needed for so long, or all of it, for the server to have it back.
  std::vector<std::string> LayDown(Tick now);
  std::vector<std::string> LayDownAll() { return LayDown(Tick::Max()); }
  // When there may be something to lay down; Tick::Max() if there is nothing.
  Tick NextLayDown() const;

  // No answer is to come any more.
  void ForgetWishes();

 private:
  struct Lent {
    std::string permit;
    Tick until;  // Then it goes back.
  };
  // Those of one kind.
  struct Stack {
    PermitKind kind = {};
    std::vector<Lent> permits = {};  // In the order in which they go back, the last first.
    Tick ask_at = {};                // Not before.
    uint32_t needed = 0;             // By calls, since it was last asked for.
    uint32_t unanswered = 0;         // Wishes.
    bool wishes = false;
    bool was_missed = false;  // A call found none since the last were lent.
    Reason reason = Reason::kNone;
  };
  static constexpr size_t kMaxKinds = 16;

  // Null: there are too many kinds.
  Stack* StackOf(const PermitKind& kind);
  void Need(Stack& stack, Tick now);

  std::vector<Stack> stacks_;
  std::vector<PermitKind> unanswered_;  // In the order in which they were asked for.
  bool asks_ = false;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_HAND_H_
