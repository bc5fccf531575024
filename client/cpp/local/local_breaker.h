#ifndef FUSEBOX_CLIENT_CPP_LOCAL_LOCAL_BREAKER_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_LOCAL_BREAKER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/local/hand.h"
#include "client/cpp/local/ledger.h"
#include "client/cpp/local/mutex.h"
#include "client/cpp/local/pushed.h"
#include "core/guard.h"
#include "core/policy_set.h"
#include "core/tick.h"
#include "fusebox/client_clock.h"
#include "fusebox/decisions.h"
#include "fusebox/internal/gate.h"
#include "fusebox/without_server.h"

namespace fusebox::internal {

// How a call ended that held a permit of the server's.
struct LentEnding {
  std::string permit;
  Outcome outcome = Outcome::kIgnored;
  std::optional<absl::Duration> latency = {};
  std::optional<absl::Duration> retry_after = {};
};

// One breaker as a client knows it: what the server pushed, what its own calls came to since, what
// it was lent, and a breaker of its own, by the same rules as the server's, for when it is alone.
//
//   alone    decided by the own breaker, under the policy for one that is alone; it begins with the
//            outage that was pushed, if any
//   pushed   decided by what was pushed; the own breaker looks on, and is asked as well where a
//            quorum would hide that this client fails alone
//
// Whoever owns it calls Advance() when next_deadline() is there, and takes what there is to report.
// Thread-safe.
class LocalBreaker final : public Gate {
 public:
  // All of it outlives the breaker.
  struct Surroundings {
    const ClientClock& clock;
    const Stopwatch& stopwatch;
    TransitionSource& numbers;
    // There is something that does not wait for its usual time: hurries(), another next_deadline()
    // or another state(). Called without any lock held, by whoever calls this breaker.
    std::function<void()> wake = [] {};
    // The status of a call that is refused, with its breaker and for how long to stay away.
    std::function<absl::Status(absl::string_view, Reason, absl::Duration)> refusal = {};
    WithoutServer without_server = WithoutServer::kLocal;
  };

  // `policy` is the fleet's until another is pushed.
  LocalBreaker(std::string name, std::shared_ptr<const RulingPolicy> policy,
               Surroundings surroundings);
  ~LocalBreaker() override;

  Grant LookCloser(const Ask& ask) override;
  void Expect(const Ask& ask) override;
  void EndSlowly(const Grant& grant, const End& end) override;
  absl::string_view name() const override { return name_; }
  State state() const override { return state_.load(std::memory_order_relaxed); }
  absl::Duration RetryAfter(Reason reason) const override;
  absl::Status RefusalFor(Reason reason) const override;
  Outcome Classify(const absl::Status& status) const override;
  RetryAdvice AdviseRetry(const FailedAttempt& failed) const override;
  absl::Duration FirstTimeout() const override;
  std::optional<absl::Duration> HedgeDelay() const override;

  // The server says where it stands; what is older than what it said before is dropped. `policy` is
  // null if it is as before; `local_share` is Alone()'s.
  void Push(const Standing& standing, std::shared_ptr<const RulingPolicy> policy,
            double local_share);
  // The answer to the oldest PermitWish.
  void Lend(Loan loan);
  // A call ended about which the server itself had decided: the own breaker looks on.
  void Observe(const End& end);
  // There is no server for it any more, for now. What it was lent and nobody needs goes back to it.
  void GoAlone();
  // The same, and decides this call.
  Grant DecideAlone(const Ask& ask);

  Tick next_deadline() const {
    return Tick::FromNanos(next_deadline_.load(std::memory_order_relaxed));
  }
  void Advance();

  // What there is to tell the server, and whether that should be soon.
  struct News {
    std::vector<LedgerRow> rows = {};
    std::vector<LentEnding> endings = {};
    std::vector<PermitWish> wishes = {};
  };
  News TakeNews();
  bool hurries() const { return hurries_.load(std::memory_order_relaxed); }
  // The server wants to hear soon of whatever there is.
  bool is_asked_to_hurry() const { return is_asked_to_hurry_.load(std::memory_order_relaxed); }
  // All that it was lent and that nobody needs goes back with the next news.
  void LayDown();
  // Whether calls were counted that nobody was told of.
  bool HasNews();
  // What the own window holds, for a server that knows nothing; nothing unless it is CLOSED, here
  // and by what was pushed, and has counted something. Calls that nobody was told of are told with
  // it, or not at all.
  std::optional<LedgerRow> TakeWindow();
  // So far.
  Decisions decisions();
  // The greatest that a server has said; 0: none.
  uint64_t epoch() const;

 private:
  class Operation;
  static constexpr size_t kMaxSpare = 256;

  Tick Now() const { return Tick::FromNanos(surroundings_.clock.NowNanos()); }
  void CountRefusalSlowly(Reason reason) override;

  void GoAlone(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant Decide(const Ask& ask, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant Pass() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant Refuse(Reason reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant PassByRamp(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant PassByPermit(const Ask& ask, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant PassByOwn(const Ask& ask, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Reason WhyNoPermit(const PermitKind& kind) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Grant Hold(std::unique_ptr<Held> held) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::unique_ptr<Held> NewHeld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void Count(const Grant& grant, const End& end, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // With a permit of its own, or as what was seen without one.
  void RecordByOwn(const std::optional<Permit>& permit, const End& end, Tick now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddToLedger(Cells::Generation generation, const Permit& permit, const End& end, Tick now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // No call is refused, whatever is known.
  bool PassesBlindly() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Who decides now, but for what was lent.
  uint64_t& DecidedNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountLent(std::string permit, const End& end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoomForLent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBack(std::vector<std::string> permits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds what the cells counted to the ledger and to the own breaker.
  void AddUp(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddSuccesses(const Cells::Sum& sum) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SwitchCell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountByOwn(const OutcomeCounts& outcomes, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void SetPolicy(std::shared_ptr<const RulingPolicy> policy, double share, Tick now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t SlowAfter(const Policy& policy) const;
  // What ends from now on does not belong to what ended before.
  void BeginGeneration() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteTransitions(const Transitions& transitions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Does what is due, and decides anew how first calls are decided.
  void Redecide(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RedecideTiming(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Word Judge(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Word JudgeAlone(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Word JudgePushed(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Word MakeWord(Way way, Reason reason = Reason::kNone) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsLetPass(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NeedsPermit(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasQuorum() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool AsksOwn() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOwn(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Ramps(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  State Shown() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Tick DeadlineAt(Tick now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string name_;
  const Surroundings surroundings_;
  std::atomic<bool> hurries_{false};
  std::atomic<bool> is_asked_to_hurry_{false};
  std::atomic<int64_t> next_deadline_{Tick::Max().nanos()};
  std::atomic<State> state_{State::kClosed};

  mutable Mutex mutex_;
  std::shared_ptr<const RulingPolicy> fleet_ ABSL_GUARDED_BY(mutex_);  // The fleet's policy, and
  std::shared_ptr<const RulingPolicy> own_ ABSL_GUARDED_BY(mutex_);    // this client's share of it.
  double share_ ABSL_GUARDED_BY(mutex_) = 1;
  bool is_alone_ ABSL_GUARDED_BY(mutex_) = true;
  Decisions decisions_ ABSL_GUARDED_BY(mutex_);
  Tick alone_since_ ABSL_GUARDED_BY(mutex_);
  bool has_fleets_outage_ ABSL_GUARDED_BY(mutex_) = false;  // The own breaker, since a cut.
  Pushed pushed_ ABSL_GUARDED_BY(mutex_);
  mutable Guard guard_ ABSL_GUARDED_BY(mutex_);
  Cells::Generation generation_ ABSL_GUARDED_BY(mutex_) = 0;
  Ledger ledger_ ABSL_GUARDED_BY(mutex_);
  uint64_t uncounted_ ABSL_GUARDED_BY(mutex_) = 0;  // Successes that the own breaker does not know.
  Timing timing_ ABSL_GUARDED_BY(mutex_) = Timing::kNone;
  Tick all_timed_until_ ABSL_GUARDED_BY(mutex_);       // Since one was slow.
  uint64_t recent_calls_ ABSL_GUARDED_BY(mutex_) = 0;  // Since then:
  Tick busy_since_ ABSL_GUARDED_BY(mutex_);
  bool is_busy_ ABSL_GUARDED_BY(mutex_) = false;
  Reason refusing_ ABSL_GUARDED_BY(mutex_) = Reason::kOpen;  // Why the word last refused.
  int64_t ramp_credit_ ABSL_GUARDED_BY(mutex_) = 0;          // Millionths of a call.
  Hand hand_ ABSL_GUARDED_BY(mutex_);
  size_t lent_ ABSL_GUARDED_BY(mutex_) = 0;  // In hand, or held by calls.
  std::vector<LentEnding> endings_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Held>> spare_ ABSL_GUARDED_BY(mutex_);  // For calls to come.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_LOCAL_BREAKER_H_
