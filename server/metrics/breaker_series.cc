#include "server/metrics/breaker_series.h"

#include <algorithm>
#include <functional>
#include <tuple>
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

BreakerGauges::BreakerGauges(const BreakerView& view)
    : state(view.snapshot.state),
      window_calls(view.snapshot.window.calls),
      bulkhead(view.snapshot.bulkhead),
      rate_limit(view.snapshot.rate_limit),
      waiting(view.snapshot.waiting) {
  const WindowCounts& window = view.snapshot.window;
  if (window.calls >= view.ruling->policy.circuit_breaker.minimum_calls) {
    failure_ratio = static_cast<double>(window.failures) / static_cast<double>(window.calls);
  }
  if (view.snapshot.override.has_value()) override_mode = view.snapshot.override->mode;
}

// Those who are CLOSED with series of their own, who give their places to others: the quietest
// first, and the overridden last.
class BreakerSeries::Places {
 public:
  explicit Places(const std::map<std::string, Own>& own) {
    for (const auto& [name, series] : own) {
      const BreakerGauges& gauges = series.gauges();
      if (!gauges.IsClosed()) continue;
      places_.emplace_back(gauges.override_mode.has_value(), gauges.window_calls, name);
    }
    std::sort(places_.begin(), places_.end(), std::greater<>());
  }

  bool empty() const { return places_.empty(); }
  // Whether the next who goes is overridden, and how many calls it had in its window.
  bool overridden() const { return std::get<0>(places_.back()); }
  uint32_t calls() const { return std::get<1>(places_.back()); }
  std::string Take() {
    std::string name = std::move(std::get<2>(places_.back()));
    places_.pop_back();
    return name;
  }

 private:
  std::vector<std::tuple<bool, uint32_t, std::string>> places_;  // From the back.
};

BreakerSeries::Own::Own(const BreakerView& view, absl::Time tick_zero, bool from_zero)
    : gauges_(view), epoch_(view.snapshot.epoch), transitions_(view.snapshot.totals.transitions) {
  if (from_zero) {
    offset_ -= CountsOf(view.snapshot.totals);
  } else {
    counts_ = CountsOf(view.snapshot.totals);
  }
  NoteState(view, tick_zero);
}

void BreakerSeries::Own::NoteState(const BreakerView& view, absl::Time tick_zero) {
  since_.reset();
  const std::optional<Transition>& last = view.snapshot.last_transition;
  if (last.has_value()) since_ = tick_zero + (last->time - Tick());
}

// A breaker that was forgotten and made again between two scrapes counts from 0 again. It has
// another epoch without having made more transitions, which one that lived on cannot have. (One
// that made more transitions than its predecessor ever did is taken for it; then the series stands
// still for a while, and what it misses is in `other`.)
//
// What is shown is raised and not set: a retry that a shared budget refuses was granted for an
// instant.
void BreakerSeries::Own::Update(const BreakerView& view, absl::Time tick_zero) {
  const Snapshot& now = view.snapshot;
  if (now.epoch != epoch_) {
    if (now.totals.transitions <= transitions_) offset_ = counts_;
    NoteState(view, tick_zero);
  }
  gauges_ = BreakerGauges(view);
  epoch_ = now.epoch;
  transitions_ = now.totals.transitions;
  counts_before_ = counts_;
  BreakerCounts counts = CountsOf(now.totals);
  counts += offset_;
  counts_.RaiseTo(counts);
}

void BreakerSeries::ReadOwn(Engine& engine) {
  gone_.clear();
  tick_zero_ = engine.WallNow() - (engine.Now() - Tick());
  Refresh(engine);
  if (own_.size() >= engine.breakers()) return;
  if (HasRoom()) Discover(engine);
  if (HasRoom()) return;
  Places places(own_);
  AdmitTripped(engine, places);
  AdmitBusier(engine, places);
}

void BreakerSeries::Refresh(Engine& engine) {
  for (auto it = own_.begin(); it != own_.end();) {
    const absl::StatusOr<BreakerView> view = engine.Get(it->first);
    if (view.ok()) {
      it->second.Update(*view, tick_zero_);
      ++it;
    } else {
      const auto gone = it++;
      End(gone, gone->second.counts());
    }
  }
}

void BreakerSeries::End(std::map<std::string, Own>::iterator own, const BreakerCounts& shown) {
  gone_.insert(own->first);
  ended_ += shown;
  own_.erase(own);
}

bool BreakerSeries::IsNew(const std::string& name) const {
  return name != kOther && !own_.contains(name) && !gone_.contains(name);
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
      if (IsNew(view.name)) own_.try_emplace(view.name, view, tick_zero_, from_zero);
    }
  }
}

size_t BreakerSeries::Tripped() const {
  return std::count_if(own_.begin(), own_.end(),
                       [](const auto& own) { return !own.second.gauges().IsClosed(); });
}

// The whole server is only looked through while more breakers are not CLOSED than have series.
void BreakerSeries::AdmitTripped(Engine& engine, Places& places) {
  const auto by_state = engine.counters().BreakersByState(engine.breakers());
  const uint64_t tripped =
      by_state[static_cast<size_t>(State::kOpen)] + by_state[static_cast<size_t>(State::kHalfOpen)];
  if (places.empty() || tripped <= Tripped()) return;
  for (const std::string& name : engine.BreakersInOutage()) {
    if (places.empty()) return;
    if (!IsNew(name)) continue;
    const absl::StatusOr<BreakerView> view = engine.Get(name);
    if (!view.ok() || BreakerGauges(*view).IsClosed()) continue;
    Displace(places.Take());
    own_.try_emplace(name, *view, tick_zero_, /*from_zero=*/true);
  }
}

// Looks at a part of the server at each scrape, and goes on from there at the next.
void BreakerSeries::AdmitBusier(Engine& engine, Places& places) {
  constexpr size_t kLooksPerScrape = 8'192;
  constexpr size_t kNamesAtATime = 1'024;
  constexpr size_t kPart = 10;  // Of all places, that change hands at one scrape.
  constexpr uint32_t kTimes = 2, kMoreCalls = 20;
  size_t moves = std::max<size_t>(1, max_breakers_ / kPart);
  if (engine.IsListed(busy_cursor_)) busy_cursor_ = 0;
  for (size_t looks = 0; looks < kLooksPerScrape; looks += kNamesAtATime) {
    Slot next = busy_cursor_;
    for (const BreakerView& view : engine.List(Glob::All(), kNamesAtATime, next)) {
      if (places.empty() || places.overridden() || moves == 0) return;
      if (!IsNew(view.name)) continue;
      const BreakerGauges gauges(view);
      const uint64_t enough = uint64_t{places.calls()} * kTimes + kMoreCalls;
      if (!gauges.override_mode.has_value() && gauges.window_calls < enough) continue;
      Displace(places.Take());
      own_.try_emplace(view.name, view, tick_zero_, /*from_zero=*/true);
      --moves;
    }
    busy_cursor_ = next;
    if (engine.IsListed(busy_cursor_)) return;
  }
}

void BreakerSeries::Displace(const std::string& name) {
  const auto own = own_.find(name);
  End(own, own->second.counts_before());
  ++displaced_;
}

void BreakerSeries::FoldRest(const CounterTotals& totals, size_t breakers) {
  BreakerCounts rest = CountsOf(totals);
  rest -= ended_;
  for (const auto& [name, own] : own_) rest -= own.counts();
  other_.RaiseTo(rest);
  folded_ = breakers - std::min(breakers, own_.size());
}

}  // namespace fusebox
