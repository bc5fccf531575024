#ifndef FUSEBOX_CLIENT_CPP_LOCAL_LEDGER_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_LEDGER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "client/cpp/local/even_samples.h"
#include "core/outcome.h"
#include "core/reason.h"
#include "core/tally.h"
#include "fusebox/internal/cells.h"

namespace fusebox::internal {

// What calls of one breaker in one epoch came to.
struct LedgerRow {
  static constexpr size_t kReasons = fusebox::kReasons;

  // Views live as long as the row; `refusals` is where to put those.
  Tally View(std::vector<Tally::Refusals>& refusals) const;

  uint64_t epoch = 0;
  OutcomeCounts outcomes = {};
  uint32_t timed = 0;
  absl::Duration latency = {};
  EvenSamples latency_samples = {};             // Of what succeeded.
  std::array<uint32_t, kReasons> refused = {};  // By reason.
  std::vector<Tally::Retries> retries = {};     // Those of the calls that were retries, by kind.
  bool is_sealed = false;                       // It takes no more, unless there is no other.
};

// What calls of one breaker came to and what nobody was told yet. A generation is of one epoch, and
// the last few are remembered: calls end long after they were granted.
//
// Bounded; allocates nothing once it has had as many rows. Not thread-safe.
class Ledger {
 public:
  using Generation = Cells::Generation;

  // No row has more calls, nor has a breaker more rows. Where the protocol allows more, two rows
  // say it.
  static constexpr uint32_t kMaxCalls = 1'000'000;
  static constexpr size_t kMaxRows = 64;

  Ledger();

  // A generation begins, of this epoch; 0: of the one that is known next. Those that came
  // `kRemembered` before it are over.
  void Begin(Generation generation, uint64_t epoch);
  // What was counted of no epoch so far is of this one.
  void Know(uint64_t epoch);

  // Calls of this generation ended, of which `timed` took `latency` together. Those of a generation
  // that is over are lost.
  void AddSuccesses(Generation generation, uint64_t calls, uint64_t timed, absl::Duration latency);
  // `run` is from how many failures in a row on they are told by themselves; 0: never.
  struct One {
    Outcome outcome = Outcome::kSuccess;
    bool is_slow = false;
    std::optional<absl::Duration> latency = {};
    bool is_sampled = false;  // Its latency is one to learn from.
    std::optional<absl::Duration> retry_after = {};
    uint32_t attempt = 1;
    std::optional<Outcome> previous_failure = {};
  };
  void Add(Generation generation, const One& call, uint32_t run);
  // Calls were refused.
  void AddRefusals(Generation generation, Reason reason, uint64_t calls);

  // In the order in which they came to be.
  std::vector<LedgerRow> Take();
  void Clear() { rows_.clear(); }
  bool empty() const { return rows_.empty(); }

 private:
  static constexpr size_t kRemembered = 16;

  struct Epoch {
    Generation generation = 0;
    uint64_t epoch = 0;
  };

  // The row to add so many calls to; null for a generation that is over, and if there is no room.
  LedgerRow* RowOf(Generation generation, uint32_t calls);

  std::array<Epoch, kRemembered> epochs_ = {};
  size_t begun_ = 0;
  std::vector<LedgerRow> rows_;
  uint32_t run_ = 0;  // Failures in a row, also over rows that were taken.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_LEDGER_H_
