#ifndef FUSEBOX_INTERNAL_GATE_H_
#define FUSEBOX_INTERNAL_GATE_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fusebox/core/outcome.h"
#include "fusebox/core/reason.h"
#include "fusebox/core/state.h"
#include "fusebox/internal/cells.h"
#include "fusebox/internal/stopwatch.h"

namespace fusebox::internal {

// One breaker as calls meet it. Most of them need one word that says how they are decided, and one
// cell of their thread's to count how they ended; what needs more is behind it.
//
//   Allow:   word: pass, refuse, or look closer
//   Success: cell of the word's generation, if it is still that one
//
// Thread-safe.
class Gate {
 public:
  enum class Way : uint8_t { kPass, kRefuse, kLookCloser };
  // Which calls are timed. One in kSome of a thread's where calls are so many that it is the timing
  // that costs.
  enum class Timing : uint8_t { kNone, kSome, kAll };
  static constexpr uint32_t kSome = 8;

  // How a first call is decided now.
  class Word {
   public:
    Word() = default;
    Word(Cells::Generation generation, Way way, Reason reason, Timing timing)
        : bits_(uint64_t{generation} << 48 | static_cast<uint64_t>(timing) << 16 |
                static_cast<uint64_t>(reason) << 8 | static_cast<uint64_t>(way)) {}

    Way way() const { return static_cast<Way>(bits_ & 0xff); }
    Reason reason() const { return static_cast<Reason>(bits_ >> 8 & 0xff); }
    Timing timing() const { return static_cast<Timing>(bits_ >> 16 & 0xff); }
    // What its end is counted with.
    Cells::Generation generation() const { return static_cast<Cells::Generation>(bits_ >> 48); }

   private:
    uint64_t bits_ = 0;
  };

  // What a call holds that was granted by more than a word.
  class Held;

  // How one call was decided. With `held`, it has to come back.
  struct Grant {
    Word word = {};
    Held* held = nullptr;
  };

  // What is asked of a call that is not a first attempt.
  struct Ask {
    uint32_t attempt = 1;
    std::optional<Outcome> previous_failure = {};
    bool hedge = false;

    bool IsFirst() const { return attempt <= 1 && !hedge; }
  };

  // How one ended.
  struct End {
    Outcome outcome = Outcome::kSuccess;
    std::optional<uint64_t> latency = {};            // In nanoseconds.
    std::optional<absl::Duration> retry_after = {};  // What the dependency asked for.
    std::optional<int> grpc_code = {};               // What the outcome was classified from.
  };

  // An attempt that did not succeed.
  struct FailedAttempt {
    Outcome outcome = Outcome::kFailure;
    uint32_t attempt = 1;  // Which one of its call, from 1.
    bool sent = true;      // False: nothing reached the dependency.
    absl::Duration retry_after =
        absl::ZeroDuration();  // What the dependency asked for; 0: nothing.
  };
  // What to do after it.
  struct RetryAdvice {
    bool permitted = false;
    absl::Duration backoff = absl::ZeroDuration();       // Before the next attempt.
    absl::Duration next_timeout = absl::ZeroDuration();  // For it; 0: whoever calls decides.
  };

  explicit Gate(const Stopwatch& stopwatch) : stopwatch_(stopwatch) {}
  virtual ~Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  const Stopwatch& stopwatch() const { return stopwatch_; }

  // How a first call is decided, if no more than a word is needed.
  Word word() const { return word_.load(std::memory_order_acquire); }
  // One was refused by this word.
  void CountRefusal(Word word) {
    if (ABSL_PREDICT_FALSE(!cells_.CountRefusal())) CountRefusalSlowly(word.reason());
  }
  // Decides any call.
  virtual Grant LookCloser(const Ask& ask) = 0;

  // One of this kind is about to come: what the server lends for it is to be there by then.
  virtual void Expect(const Ask& ask) = 0;

  // When a call begins that is granted by this word, by the stopwatch; kUntimed if that does not
  // matter.
  static constexpr uint64_t kUntimed = 0;
  uint64_t Begin(Word word) const {
    if (ABSL_PREDICT_TRUE(word.timing() == Timing::kNone)) return kUntimed;
    if (word.timing() == Timing::kSome && !IsDrawn()) return kUntimed;
    return stopwatch_.Read();
  }

  // A call ended well that was granted by this word alone and began then.
  void Succeed(Word word, uint64_t begun) {
    if (ABSL_PREDICT_FALSE(begun != kUntimed)) return SucceedTimed(word, begun);
    if (ABSL_PREDICT_FALSE(!cells_.CountSuccess(word.generation()))) {
      EndSlowly({word}, {});
    }
  }
  // Any call ended. Takes back what it held.
  virtual void EndSlowly(const Grant& grant, const End& end) = 0;

  virtual absl::string_view name() const = 0;
  virtual State state() const = 0;
  // For how long a call that was refused now had better stay away.
  virtual absl::Duration RetryAfter(Reason reason) const = 0;
  // What a call is told that was refused now: UNAVAILABLE.
  virtual absl::Status RefusalFor(Reason reason) const = 0;
  // How the policy classifies a status.
  virtual Outcome Classify(const absl::Status& status) const = 0;
  virtual RetryAdvice AdviseRetry(const FailedAttempt& failed) const = 0;
  // The time that a first attempt gets; 0: whoever calls decides.
  virtual absl::Duration FirstTimeout() const = 0;
  virtual std::optional<absl::Duration> HedgeDelay() const = 0;

 protected:
  virtual void CountRefusalSlowly(Reason reason) = 0;

  std::atomic<Word> word_;
  // From how many units of the stopwatch on a call is slow; it takes the slow way.
  std::atomic<uint64_t> slow_after_{~uint64_t{0}};
  Cells cells_;

 private:
  void SucceedTimed(Word word, uint64_t begun) {
    const uint64_t end = stopwatch_.Read();
    const uint64_t took = end > begun ? end - begun : 0;
    const bool is_slow = took >= slow_after_.load(std::memory_order_relaxed);
    if (!is_slow && ABSL_PREDICT_TRUE(cells_.CountSuccess(word.generation(), took))) return;
    EndSlowly({word}, {Outcome::kSuccess, stopwatch_.NanosBetween(begun, end)});
  }

  // One call in kSome, by chance: whatever calls come in turns, none is left out. Of the linear
  // congruential generator of Numerical Recipes (2nd edition, chapter 7.1) only the highest bits.
  static bool IsDrawn() {
    static thread_local uint32_t state = 0;
    state = state * 1664525 + 1013904223;
    return state < (uint64_t{1} << 32) / kSome;
  }

  const Stopwatch& stopwatch_;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_INTERNAL_GATE_H_
