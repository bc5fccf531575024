#include "client/cpp/local/hand.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fusebox::internal {
namespace {

// Before it asks again for what it did not get, unless it was told longer.
constexpr absl::Duration kAskAgain = absl::Milliseconds(100);
// Nobody needs a permit for so long: others may.
constexpr absl::Duration kIdle = absl::Seconds(1);
// For the one that is kept for a call that was refused, if nothing is held with it.
constexpr absl::Duration kKept = absl::Minutes(1);

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
  // One whose time is over is as good as gone: its lease may be.
  const auto next = std::find_if(stack->permits.rbegin(), stack->permits.rend(),
                                 [now](const Lent& lent) { return lent.until > now; });
  if (next != stack->permits.rend()) {
    permit = std::move(next->permit);
    stack->permits.erase(std::next(next).base());
  }
  stack->was_missed = permit.empty();
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
  if (!is_low || stack.unanswered > 0 || now < stack.ask_at) return;
  stack.wishes = asks_ = true;
}

std::vector<PermitWish> Hand::TakeWishes() {
  std::vector<PermitWish> wishes;
  for (Stack& stack : stacks_) {
    if (!std::exchange(stack.wishes, false)) continue;
    uint32_t wanted = std::clamp(std::exchange(stack.needed, 0), 1u, kMaxPermits * kMaxWishes);
    while (wanted > 0) {
      const uint32_t count = std::min(wanted, kMaxPermits);
      wanted -= count;
      wishes.push_back({.kind = stack.kind, .count = count});
      unanswered_.push_back(stack.kind);
      ++stack.unanswered;
    }
  }
  asks_ = false;
  return wishes;
}

size_t Hand::Take(Loan loan, Tick now) {
  if (unanswered_.empty()) return 0;
  const PermitKind kind = unanswered_.front();
  unanswered_.erase(unanswered_.begin());
  Stack& stack = *StackOf(kind);
  --stack.unanswered;
  stack.reason = loan.reason;
  const bool is_short = loan.permits.empty() || loan.reason != Reason::kNone;
  stack.ask_at = is_short ? now + std::max(loan.retry_after, kAskAgain) : now;
  const bool has_lease = loan.lease > absl::ZeroDuration();
  const Tick kept = now + (has_lease ? loan.lease / 2 : kKept);
  const Tick idle = std::min(kept, now + kIdle);
  for (std::string& permit : loan.permits) {
    const bool keeps = std::exchange(stack.was_missed, false);
    stack.permits.push_back({std::move(permit), keeps ? kept : idle});
  }
  std::stable_sort(stack.permits.begin(), stack.permits.end(),
                   [](const Lent& a, const Lent& b) { return a.until > b.until; });
  return loan.permits.size();
}

Reason Hand::ReasonOf(const PermitKind& kind) const {
  const auto found = std::find_if(stacks_.begin(), stacks_.end(),
                                  [&](const Stack& stack) { return stack.kind == kind; });
  return found == stacks_.end() ? Reason::kNone : found->reason;
}

std::vector<std::string> Hand::LayDown(Tick now) {
  std::vector<std::string> idle;
  for (Stack& stack : stacks_) {
    while (!stack.permits.empty() && stack.permits.back().until <= now) {
      idle.push_back(std::move(stack.permits.back().permit));
      stack.permits.pop_back();
    }
  }
  return idle;
}

Tick Hand::NextLayDown() const {
  Tick next = Tick::Max();
  for (const Stack& stack : stacks_) {
    if (!stack.permits.empty()) next = std::min(next, stack.permits.back().until);
  }
  return next;
}

void Hand::ForgetWishes() {
  for (Stack& stack : stacks_) {
    stack.wishes = false;
    stack.unanswered = 0;
  }
  unanswered_.clear();
  asks_ = false;
}

}  // namespace fusebox::internal
