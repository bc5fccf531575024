// Which breakers have series of their own, and what those say.
//
//   BreakerSeries series(/*max_breakers=*/1000);
//   series.ReadOwn(engine);                                    // At each scrape,
//   series.FoldRest(engine.counters(), engine.breakers());     // in this order.
//   for (const auto& [name, own] : series.own()) ...           // At most 1,000.
//   series.other();                                            // All the rest, as one.
//
// The cap holds from the start: the first `max_breakers` names that are seen keep a series for as
// long as their breakers live, whatever comes after them, and whoever comes after them is folded
// into `other`. When one of them is forgotten, its series ends and a folded breaker takes the place
// with a series that starts at 0; what it did before remains in `other`.
//
// No series ever goes down while it lasts. `other` is what the server counted in all, less what is
// and was shown by name, so a scrape looks at the breakers that are shown and not at a million of
// them. The two are not read in one instant: `other` may lag by what was under way.
//
// Costs memory for `max_breakers` names. Not thread-safe: the owner serialises scrapes.
#ifndef FUSEBOX_SERVER_METRICS_BREAKER_SERIES_H_
#define FUSEBOX_SERVER_METRICS_BREAKER_SERIES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

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

class BreakerSeries {
 public:
  // The label of what is folded. A breaker that is called so is always folded.
  static constexpr char kOther[] = "other";

  // A breaker with a series of its own.
  class Own {
   public:
    // `from_zero`: the series starts at 0 and not with what the breaker did so far.
    Own(const BreakerView& view, bool from_zero);

    void Update(const BreakerView& view);

    State state() const { return state_; }
    const BreakerCounts& counts() const { return counts_; }

   private:
    State state_;
    uint64_t epoch_;
    uint32_t transitions_;
    BreakerCounts offset_;  // From what the breaker counts to what is shown.
    BreakerCounts counts_;  // What is shown.
  };

  explicit BreakerSeries(size_t max_breakers) : max_breakers_(max_breakers) {}

  // Reads the breakers that have series, ends those that are gone and fills the places with others.
  // Looks at 65,536 slots at most to find them, and goes on from there at the next scrape.
  void ReadOwn(Engine& engine);

  // Takes in what the server counted, and how many breakers it has. Both must be read after
  // ReadOwn(), or calls would be missing in `other` that are already shown by name.
  void FoldRest(const CounterTotals& totals, size_t breakers);

  const std::map<std::string, Own>& own() const { return own_; }
  const BreakerCounts& other() const { return other_; }
  // How many breakers are in `other` now.
  size_t folded() const { return folded_; }

 private:
  void Refresh(Engine& engine);
  void Discover(Engine& engine);
  bool HasRoom() const { return own_.size() < max_breakers_; }

  const size_t max_breakers_;
  std::map<std::string, Own> own_;
  BreakerCounts ended_;  // Was shown in series that are no more.
  BreakerCounts other_;
  size_t folded_ = 0;
  Slot cursor_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_BREAKER_SERIES_H_
