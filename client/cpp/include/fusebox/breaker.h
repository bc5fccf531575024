#ifndef FUSEBOX_BREAKER_H_
#define FUSEBOX_BREAKER_H_

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fusebox/core/outcome.h"
#include "fusebox/core/reason.h"
#include "fusebox/core/state.h"
#include "fusebox/internal/gate.h"

namespace fusebox {

// What is known of a call that is not a first attempt.
struct Attempt {
  uint32_t number = 1;                   // 1 for the first.
  std::optional<Outcome> previous = {};  // How the attempt before had ended.
  bool hedge = false;                    // A second copy of one that is not answered yet.
};

// A circuit breaker of a Client: decides at once, by what the fleet knows. (Where
// ClientMode::kUnary is chosen, Allow() waits for the server instead, for
// ClientOptions::unary_timeout at most.)
//
//   fusebox::Breaker orders = *client->GetBreaker("db/orders");
//
//   absl::StatusOr<Order> order = orders.Call([&] { return db.Load(id); });
//
// or, where the call is not one function:
//
//   fusebox::Breaker::Permit permit = orders.Allow();
//   if (!permit.allowed()) return permit.status();
//   ...
//   permit.Record(status);
//
// Light to copy; it and its permits are to be gone before the client is. Thread-safe.
class Breaker {
 public:
  class Permit;

  // Whether a first attempt may be made. Never blocks.
  ABSL_ATTRIBUTE_ALWAYS_INLINE Permit Allow() const;
  // Whether another one may: it takes from the retry budget. Never blocks: what is lent by the
  // server for it and has not come yet is asked for, and this one refused (RETRY_BUDGET).
  Permit Allow(const Attempt& attempt) const;
  // Such an attempt is about to come, as when the backoff before it begins: asks the server to lend
  // what it will need, if it needs anything.
  void Expect(const Attempt& attempt) const;

  // Calls `function`, if it may be called, and records how that ended. `function` returns
  // absl::Status or absl::StatusOr<T>, as does this; a refusal is that of Permit::status(). One
  // that throws has failed.
  template <typename Function>
  auto Call(Function&& function) const -> std::invoke_result_t<Function>;

  // Whether another attempt is worth it, and after what backoff, by the policy's `retry` section:
  // docs/retries.md. What the fleet has learned of retries is not known here, so nothing is
  // predicted; Allow(attempt) has the last word.
  using FailedAttempt = internal::Gate::FailedAttempt;
  using RetryAdvice = internal::Gate::RetryAdvice;
  RetryAdvice AdviseRetry(const FailedAttempt& failed) const { return gate_->AdviseRetry(failed); }

  // How long a first attempt may take, by the same section (`base_timeout`); 0 if it leaves that to
  // the caller. What later ones get comes with the advice.
  absl::Duration first_timeout() const { return gate_->FirstTimeout(); }

  // After how long without an answer a second copy of a call is worth it (Attempt::hedge); nothing
  // if none is.
  std::optional<absl::Duration> hedge_delay() const { return gate_->HedgeDelay(); }

  // What a status means by its policy.
  Outcome Classify(const absl::Status& status) const { return gate_->Classify(status); }

  absl::string_view name() const { return gate_->name(); }
  // As the last decision saw it.
  State state() const { return gate_->state(); }

  // A client's, which makes it.
  explicit Breaker(internal::Gate& gate) : gate_(&gate) {}

 private:
  static Permit AllowSlowly(internal::Gate& gate, const Attempt& attempt);

  internal::Gate* gate_;
};

// Leave for one call, or its refusal. A call that was allowed is recorded once; one that never is,
// since it was not made after all, is IGNORED.
//
// Not thread-safe, but may be handed from thread to thread.
class Breaker::Permit {
 public:
  Permit(Permit&& other) noexcept
      : gate_(std::exchange(other.gate_, nullptr)),
        grant_(std::exchange(other.grant_, {})),
        begun_(other.begun_) {}
  Permit& operator=(Permit&& other) noexcept {
    if (this == &other) return *this;
    GiveUp();
    gate_ = std::exchange(other.gate_, nullptr);
    grant_ = std::exchange(other.grant_, {});
    begun_ = other.begun_;
    return *this;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE ~Permit() { GiveUp(); }

  bool allowed() const { return grant_.word.way() == internal::Gate::Way::kPass; }
  // Why it was refused; kNone if it was not.
  Reason reason() const { return grant_.word.reason(); }
  // For how long to stay away, if it was refused; 0 where that is unknown.
  absl::Duration retry_after() const;
  // OK, or UNAVAILABLE with google.rpc.ErrorInfo (domain "fusebox", reason BREAKER_OPEN or
  // BREAKER_<another>, the breaker) and RetryInfo, which grpc and its callers understand.
  absl::Status status() const;

  // How the call ended. The first that is said is true; of a refusal nothing is recorded.
  void Succeed() { Record(Outcome::kSuccess); }
  void Fail() { Record(Outcome::kFailure); }
  void Record(Outcome outcome) {
    if (outcome == Outcome::kSuccess && grant_.held == nullptr) return RecordSuccess();
    RecordSlowly({outcome});
  }
  // `retry_after` is what the dependency asked for: 0 to 24h, and as near as can be where it is
  // not.
  void Record(Outcome outcome, absl::Duration retry_after) {
    RecordSlowly({outcome, std::nullopt, retry_after});
  }
  // As the breaker's policy classifies it. `retry_after` is 0 where the dependency asked for
  // nothing.
  void Record(const absl::Status& status, absl::Duration retry_after = absl::ZeroDuration()) {
    if (ABSL_PREDICT_TRUE(status.ok())) return Succeed();
    RecordStatus(status, retry_after);
  }

 private:
  friend class Breaker;

  ABSL_ATTRIBUTE_ALWAYS_INLINE Permit(internal::Gate& gate, internal::Gate::Grant grant,
                                      uint64_t begun = internal::Gate::kUntimed)
      : gate_(&gate), grant_(grant), begun_(begun) {}

  void RecordSuccess() {
    if (!allowed()) return;
    internal::Gate* const gate = std::exchange(gate_, nullptr);
    if (gate != nullptr) gate->Succeed(grant_.word, begun_);
  }
  void RecordSlowly(internal::Gate::End end);
  void RecordStatus(const absl::Status& status, absl::Duration retry_after);
  void GiveUp() {
    if (ABSL_PREDICT_FALSE(grant_.held != nullptr)) RecordSlowly({Outcome::kIgnored});
  }

  internal::Gate* gate_;  // Null once it is recorded, or moved from.
  internal::Gate::Grant grant_;
  uint64_t begun_;  // Gate's.
};

inline Breaker::Permit Breaker::Allow() const {
  using internal::Gate;
  const Gate::Word word = gate_->word();
  if (ABSL_PREDICT_TRUE(word.way() == Gate::Way::kPass)) {
    return Permit(*gate_, {word}, gate_->Begin(word));
  }
  if (word.way() == Gate::Way::kLookCloser) return AllowSlowly(*gate_, {});
  gate_->CountRefusal(word);
  return Permit(*gate_, {word});
}

inline Breaker::Permit Breaker::Allow(const Attempt& attempt) const {
  const bool is_first = attempt.number <= 1 && !attempt.hedge;
  return is_first ? Allow() : AllowSlowly(*gate_, attempt);
}

namespace internal {

// Whoever throws has failed.
class FailsUnlessReturned {
 public:
  explicit FailsUnlessReturned(Breaker::Permit& permit) : permit_(&permit) {}
  ~FailsUnlessReturned() {
    if (permit_ != nullptr) permit_->Fail();
  }
  FailsUnlessReturned(const FailsUnlessReturned&) = delete;
  FailsUnlessReturned& operator=(const FailsUnlessReturned&) = delete;

  void Returned() { permit_ = nullptr; }

 private:
  Breaker::Permit* permit_;
};

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace internal

template <typename Function>
auto Breaker::Call(Function&& function) const -> std::invoke_result_t<Function> {
  Permit permit = Allow();
  if (!permit.allowed()) return permit.status();
  internal::FailsUnlessReturned guard(permit);
  auto result = std::forward<Function>(function)();
  guard.Returned();
  permit.Record(internal::StatusOf(result));
  return result;
}

}  // namespace fusebox

#endif  // FUSEBOX_BREAKER_H_
