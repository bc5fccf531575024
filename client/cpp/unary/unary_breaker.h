#ifndef FUSEBOX_CLIENT_CPP_UNARY_UNARY_BREAKER_H_
#define FUSEBOX_CLIENT_CPP_UNARY_UNARY_BREAKER_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/unary/remote.h"
#include "client/cpp/unary/reporter.h"
#include "core/reason.h"
#include "fusebox/decisions.h"
#include "fusebox/internal/gate.h"

namespace fusebox::internal {

// One breaker of a client without a session: every call is asked for. What the server answered
// last, and a breaker of its own that looks on, decide while it does not answer.
//
// Thread-safe.
class UnaryBreaker final : public Gate {
 public:
  // All of it outlives the breaker.
  UnaryBreaker(std::string name, std::shared_ptr<const RulingPolicy> policy,
               LocalBreaker::Surroundings surroundings, Remote& remote, Reporter& reporter);

  // Blocks until the server has answered, if it is asked; no longer than Remote waits.
  Grant LookCloser(const Ask& ask) override;
  void Expect(const Ask& /*ask*/) override {}
  void EndSlowly(const Grant& grant, const End& end) override;
  absl::string_view name() const override { return own_.name(); }
  State state() const override { return own_.state(); }
  absl::Duration RetryAfter(Reason reason) const override;
  absl::Status RefusalFor(Reason reason) const override;
  Outcome Classify(const absl::Status& status) const override { return own_.Classify(status); }
  RetryAdvice AdviseRetry(const FailedAttempt& failed) const override {
    return own_.AdviseRetry(failed);
  }
  absl::Duration FirstTimeout() const override { return own_.FirstTimeout(); }
  std::optional<absl::Duration> HedgeDelay() const override;

  // So far.
  Decisions decisions();

 private:
  Grant Follow(const v1::AllowResponse& answer, const Ask& ask);
  Grant Refuse(Reason reason);
  // Whether the server said last that this call is refused, unless it is a probe.
  bool IsStillRefused() const;
  Grant DecideAlone(const Ask& ask);
  // Every call is asked for: there is no word that would refuse one.
  void CountRefusalSlowly(Reason /*reason*/) override {}
  Tick Now() const { return Tick::FromNanos(surroundings_.clock.NowNanos()); }

  const LocalBreaker::Surroundings surroundings_;
  LocalBreaker own_;
  Remote& remote_;
  Reporter& reporter_;
  std::atomic<uint64_t> decided_by_server_{0};
  std::atomic<bool> told_refusing_{false};  // By the last answer: neither CLOSED nor SHADOW.
  std::atomic<int64_t> hedge_delay_{0};     // In nanoseconds; 0: none.
  // Until when the limits of the server refuse, by reason, as it said last.
  std::array<std::atomic<int64_t>, kReasons> refused_until_ = {};
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_UNARY_UNARY_BREAKER_H_
