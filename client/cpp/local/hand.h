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

// The permits of one breaker that the server has lent and no call has needed yet, and when to ask
// for more: for as many as calls needed since the last time.
//
// Bounded. Not thread-safe.
class Hand {
 public:
  // Of one request; the protocol's.
  static constexpr uint32_t kMaxPermits = 100;

  // One permit for a call of this kind; empty if there is none. If it is time to ask for more,
  // asks() says so from now on.
  std::string Draw(const PermitKind& kind, Tick now);
  // As if so many calls of this kind were about to come.
  void Expect(const PermitKind& kind, uint32_t calls, Tick now);

  // What to ask for, once.
  std::vector<PermitWish> TakeWishes();
  bool asks() const { return asks_; }

  // The answer to the oldest wish that has none. `retry_after` is when to ask again, if nothing
  // came; `reason` why.
  void Take(std::vector<std::string> permits, Reason reason, absl::Duration retry_after, Tick now);

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
  // Those of one kind.
  struct Stack {
    PermitKind kind = {};
    std::vector<std::string> permits = {};
    Tick idle_at = {};    // From then on nobody needs them.
    Tick ask_at = {};     // Not before.
    uint32_t needed = 0;  // By calls, since it was last asked for.
    bool asked = false;   // The answer is to come.
    bool wishes = false;
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
