#include "client/cpp/local/hand.h"

#include <algorithm>
#include <utility>

namespace fusebox::internal {
namespace {

// Before it asks again for what it did not get, unless it was told longer.
constexpr absl::Duration kAskAgain = absl::Milliseconds(100);
// Nobody needs a permit for so long: others may.
constexpr absl::Duration kIdle = absl::Seconds(1);

}  // namespace

Hand::Stack* Hand::StackOf(const PermitKind& kind) {
  const auto found = std::find_if(stacks_.begin(), stacks_.end(),
                                  [&](const Stack& stack) { return stack.kind == kind; });
  if (found != stacks_.end()) return &*found;
  if (stacks_.size() >= kMaxKinds) return nullptr;
  return &stacks_.emplace_back(Stack{.kind = kind});
}

std::string Hand::Draw(const PermitKind& kind, Tick now) {
  Stack* const stack = StackOf(kind);
  if (stack == nullptr) return "";
  ++stack->needed;
  std::string permit;
  if (!stack->permits.empty()) {
    permit = std::move(stack->permits.back());
    stack->permits.pop_back();
    stack->idle_at = now + kIdle;
  }
  Need(*stack, now);
  return permit;
}

void Hand::Expect(const PermitKind& kind, uint32_t calls, Tick now) {
  Stack* const stack = StackOf(kind);
  if (stack == nullptr) return;
  stack->needed += calls;
  Need(*stack, now);
}

// Asks when what is left is no more than half of what was needed.
void Hand::Need(Stack& stack, Tick now) {
  const bool is_low = stack.permits.size() * 2 <= stack.needed;
  if (!is_low || stack.asked || now < stack.ask_at) return;
  stack.wishes = asks_ = true;
}

std::vector<PermitWish> Hand::TakeWishes() {
  std::vector<PermitWish> wishes;
  for (Stack& stack : stacks_) {
    if (!std::exchange(stack.wishes, false)) continue;
    const uint32_t count = std::clamp(std::exchange(stack.needed, 0), 1u, kMaxPermits);
    wishes.push_back({.kind = stack.kind, .count = count});
    unanswered_.push_back(stack.kind);
    stack.asked = true;
  }
  asks_ = false;
  return wishes;
}

void Hand::Take(std::vector<std::string> permits, Reason reason, absl::Duration retry_after,
                Tick now) {
  if (unanswered_.empty()) return;
  const PermitKind kind = unanswered_.front();
  unanswered_.erase(unanswered_.begin());
  Stack& stack = *StackOf(kind);
  stack.asked = false;
  stack.reason = reason;
  stack.ask_at = now;
  if (permits.empty()) stack.ask_at = now + std::max(retry_after, kAskAgain);
  for (std::string& permit : permits) stack.permits.push_back(std::move(permit));
  if (!stack.permits.empty()) stack.idle_at = now + kIdle;
}

Reason Hand::ReasonOf(const PermitKind& kind) const {
  const auto found = std::find_if(stacks_.begin(), stacks_.end(),
                                  [&](const Stack& stack) { return stack.kind == kind; });
  return found == stacks_.end() ? Reason::kNone : found->reason;
}

std::vector<std::string> Hand::LayDown(Tick now) {
  std::vector<std::string> idle;
  for (Stack& stack : stacks_) {
    if (stack.permits.empty() || now < stack.idle_at) continue;
    for (std::string& permit : stack.permits) idle.push_back(std::move(permit));
    stack.permits.clear();
  }
  return idle;
}

Tick Hand::NextLayDown() const {
  Tick next = Tick::Max();
  for (const Stack& stack : stacks_) {
    if (!stack.permits.empty()) next = std::min(next, stack.idle_at);
  }
  return next;
}

void Hand::ForgetWishes() {
  for (Stack& stack : stacks_) stack.wishes = stack.asked = false;
  unanswered_.clear();
  asks_ = false;
}

}  // namespace fusebox::internal
