#include "server/metrics/breaker_series.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/glob.h"
#include "core/outcome.h"

namespace fusebox {
namespace {

BreakerCounts CountsOf(const Totals& totals) {
  return {.calls = static_cast<int64_t>(totals.calls),
          .failures = static_cast<int64_t>(totals.failures),
          .refused = static_cast<int64_t>(totals.refused)};
}

// The same of all breakers, past ones too: the engine counts both at the same events.
BreakerCounts CountsOf(const CounterTotals& totals) {
  BreakerCounts counts{.calls = static_cast<int64_t>(totals.allowed)};
  for (const uint64_t denied : totals.denied) counts.refused += static_cast<int64_t>(denied);
  for (size_t i = 0; i < CounterTotals::kOutcomes; ++i) {
    if (!IsFailure(static_cast<Outcome>(i))) continue;
    counts.failures +=
        static_cast<int64_t>(totals.recorded[i][static_cast<size_t>(Counted::kCounted)]);
  }
  return counts;
}

}  // namespace

BreakerCounts& BreakerCounts::operator+=(const BreakerCounts& more) {
  calls += more.calls;
  failures += more.failures;
  refused += more.refused;
  return *this;
}

BreakerCounts& BreakerCounts::operator-=(const BreakerCounts& less) {
  calls -= less.calls;
  failures -= less.failures;
  refused -= less.refused;
  return *this;
}

void BreakerCounts::RaiseTo(const BreakerCounts& counts) {
  calls = std::max(calls, counts.calls);
  failures = std::max(failures, counts.failures);
  refused = std::max(refused, counts.refused);
}

BreakerSeries::Own::Own(const BreakerView& view, bool from_zero)
    : state_(view.snapshot.state),
      epoch_(view.snapshot.epoch),
      transitions_(view.snapshot.totals.transitions) {
  if (from_zero) {
    offset_ -= CountsOf(view.snapshot.totals);
  } else {
    counts_ = CountsOf(view.snapshot.totals);
  }
}

// A breaker that was forgotten and made again between two scrapes counts from 0 again. It has
// another epoch without having made more transitions, which one that lived on cannot have. (One
// that made more transitions than its predecessor ever did is taken for it; then the series stands
// still for a while, and what it misses is in `other`.)
//
// What is shown is raised and not set: a retry that a shared budget refuses was granted for an
// instant.
void BreakerSeries::Own::Update(const BreakerView& view) {
  const Snapshot& now = view.snapshot;
  if (now.epoch != epoch_ && now.totals.transitions <= transitions_) offset_ = counts_;
  state_ = now.state;
  epoch_ = now.epoch;
  transitions_ = now.totals.transitions;
  BreakerCounts counts = CountsOf(now.totals);
  counts += offset_;
  counts_.RaiseTo(counts);
}

void BreakerSeries::ReadOwn(Engine& engine) {
  Refresh(engine);
  if (HasRoom() && own_.size() < engine.breakers()) Discover(engine);
}

void BreakerSeries::Refresh(Engine& engine) {
  for (auto it = own_.begin(); it != own_.end();) {
    const absl::StatusOr<BreakerView> view = engine.Get(it->first);
    if (view.ok()) {
      it->second.Update(*view);
      ++it;
    } else {
      ended_ += it->second.counts();
      it = own_.erase(it);
    }
  }
}

// While breakers are folded, whoever takes a place may be one of them, and what it did was shown in
// `other`. While none is, a name not seen before has never been shown.
void BreakerSeries::Discover(Engine& engine) {
  constexpr Slot kSlotsPerScrape = 65'536;
  constexpr size_t kNamesAtATime = 1'024;
  const bool from_zero = folded_ > 0;
  if (engine.IsListed(cursor_)) cursor_ = 0;
  const Slot end = cursor_ + kSlotsPerScrape;
  while (HasRoom() && cursor_ < end && !engine.IsListed(cursor_)) {
    const size_t room = std::min(max_breakers_ - own_.size(), kNamesAtATime);
    for (const BreakerView& view : engine.List(Glob::All(), room, cursor_)) {
      if (view.name != kOther) own_.try_emplace(view.name, view, from_zero);
    }
  }
}

void BreakerSeries::FoldRest(const CounterTotals& totals, size_t breakers) {
  BreakerCounts rest = CountsOf(totals);
  rest -= ended_;
  for (const auto& [name, own] : own_) rest -= own.counts();
  other_.RaiseTo(rest);
  folded_ = breakers - std::min(breakers, own_.size());
}

}  // namespace fusebox
