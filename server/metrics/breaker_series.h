// Which breakers have series of their own, and what those say.
//
//   BreakerSeries series(/*max_breakers=*/1000);
//   series.ReadOwn(engine);                                    // At each scrape,
//   series.FoldRest(engine.counters(), engine.breakers());     // in this order.
//   for (const auto& [name, own] : series.own()) ...           // At most 1,000.
//   series.other();                                            // All the rest, as one.
//
// While there is room, each breaker gets a series when it is first seen. Beyond that, who is not
// CLOSED takes the place of who is, the overridden last, at the next scrape. Who is overridden or
// clearly busier (calls in its window) takes the place of the quiet, a few at a scrape and as they
// are found, so that series do not come and go with noise. Who has no place is folded into `other`.
// A series also ends when its breaker is forgotten.
//
// No series ever goes down while it lasts: one that takes a place when others were folded starts at
// 0, and what its breaker did before remains in `other`, which is what the server counted in all,
// less what is and was shown by name. So a scrape looks at the breakers that are shown and at a few
// thousand others, and not at a million of them. The two are not read in one instant: `other` may
// lag by what was under way.
//
// Costs memory for `max_breakers` names. Not thread-safe: the owner serialises scrapes.
#ifndef FUSEBOX_SERVER_METRICS_BREAKER_SERIES_H_
#define FUSEBOX_SERVER_METRICS_BREAKER_SERIES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "core/override.h"
#include "core/transition.h"
#include "server/engine/counters.h"
#include "server/engine/engine.h"

namespace fusebox {

// What is shown of a breaker as counters. Signed, because differences of them may be.
struct BreakerCounts {
  int64_t calls = 0;
  int64_t failures = 0;
  int64_t refused = 0;

  BreakerCounts& operator+=(const BreakerCounts& more);
  BreakerCounts& operator-=(const BreakerCounts& less);
  // Takes each number that is greater than its own.
  void RaiseTo(const BreakerCounts& counts);
};

// What is shown of a breaker as gauges.
struct BreakerGauges {
  explicit BreakerGauges(const BreakerView& view);

  bool IsClosed() const { return state == State::kClosed; }

  State state;
  uint32_t window_calls;
  std::optional<double> failure_ratio;  // Unless the window has too few calls to say.
  std::optional<OverrideMode> override_mode;
  std::optional<BulkheadStatus> bulkhead;
  std::optional<RateLimitStatus> rate_limit;
  uint32_t waiting;
};

class BreakerSeries {
 public:
  // The label of what is folded. A breaker that is called so is always folded.
  static constexpr char kOther[] = "other";

  // A breaker with a series of its own.
  class Own {
   public:
    // `from_zero`: the series starts at 0 and not with what the breaker did so far. `tick_zero` is
    // when the engine's clock was at 0, by the wall clock.
    Own(const BreakerView& view, absl::Time tick_zero, bool from_zero);

    void Update(const BreakerView& view, absl::Time tick_zero);

    const BreakerGauges& gauges() const { return gauges_; }
    const BreakerCounts& counts() const { return counts_; }
    // The counts before the last Update(): what was shown, if now is never shown.
    const BreakerCounts& counts_before() const { return counts_before_; }
    // When the state began, if it is not the first.
    const std::optional<absl::Time>& since() const { return since_; }

   private:
    void NoteState(const BreakerView& view, absl::Time tick_zero);

    BreakerGauges gauges_;
    uint64_t epoch_;
    uint64_t transitions_;
    std::optional<absl::Time> since_ = {};  // Of one epoch always the same.
    BreakerCounts offset_ = {};             // From what the breaker counts to what is shown.
    BreakerCounts counts_ = {};             // What is shown.
    BreakerCounts counts_before_ = {};
  };

  explicit BreakerSeries(size_t max_breakers) : max_breakers_(max_breakers) {}

  // Reads the breakers that have series, ends those that are gone, fills the places with others,
  // and gives places of the quiet to who needs them more.
  void ReadOwn(Engine& engine);

  // Takes in what the server counted, and how many breakers it has. Both must be read after
  // ReadOwn(), or calls would be missing in `other` that are already shown by name.
  void FoldRest(const CounterTotals& totals, size_t breakers);

  const std::map<std::string, Own>& own() const { return own_; }
  const BreakerCounts& other() const { return other_; }
  // How many breakers are in `other` now.
  size_t folded() const { return folded_; }
  // How many series ended because others took their places.
  uint64_t displaced() const { return displaced_; }

 private:
  class Places;

  void Refresh(Engine& engine);
  void Discover(Engine& engine);
  void AdmitTripped(Engine& engine, Places& places);
  void AdmitBusier(Engine& engine, Places& places);
  // Whether it may be given a series now.
  bool IsNew(const std::string& name) const;
  void Displace(const std::string& name);
  // Ends a series that showed so much.
  void End(std::map<std::string, Own>::iterator own, const BreakerCounts& shown);
  bool HasRoom() const { return own_.size() < max_breakers_; }
  size_t Tripped() const;

  const size_t max_breakers_;
  std::map<std::string, Own> own_;
  std::set<std::string> gone_;  // Whose series ended at this scrape: not before the next again.
  BreakerCounts ended_;         // Was shown in series that are no more.
  BreakerCounts other_;
  size_t folded_ = 0;
  uint64_t displaced_ = 0;
  Slot cursor_ = 0;       // Where to look next for who has no series,
  Slot busy_cursor_ = 0;  // and for who is busier than those who have.
  absl::Time tick_zero_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_BREAKER_SERIES_H_
