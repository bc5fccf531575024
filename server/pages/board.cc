#include "server/pages/board.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "core/glob.h"
#include "core/retry_budget.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

using http::v1::BoardRow;

constexpr absl::Duration kFreshFor = absl::Milliseconds(500);
constexpr int kRestPerLook = 10;  // Times as long as it took.

http::v1::BoardRow RowOf(const BreakerView& view, const WallAnchor& anchor) {
  const Snapshot& now = view.snapshot;
  const CircuitBreakerPolicy& policy = view.ruling->policy.circuit_breaker;
  BoardRow row;
  row.set_name(view.name);
  row.set_state(ToProto(now.state));
  row.set_health(ToProto(now.health));
  if (now.last_transition.has_value()) {
    row.set_seconds_in_state(absl::ToDoubleSeconds(now.taken - now.last_transition->time));
  }
  if (now.window.calls >= policy.minimum_calls) {
    row.set_failure_rate(static_cast<double>(now.window.failures) / now.window.calls);
  }
  if (policy.failure_rate_threshold != Share()) {
    row.set_failure_rate_threshold(policy.failure_rate_threshold.fraction());
  }
  if (now.state == State::kOpen) row.set_seconds_to_probe(absl::ToDoubleSeconds(now.retry_after));
  row.set_retries_left(static_cast<double>(view.budget.balance) /
                       static_cast<double>(RetryBudget::kOneRetry));
  if (now.override.has_value()) *row.mutable_override() = ToProto(*now.override, anchor);
  return row;
}

// The smaller, the worse.
int Rank(const BoardRow& row) {
  if (row.state() == v1::STATE_OPEN) return 0;
  if (row.state() == v1::STATE_HALF_OPEN) return 1;
  if (row.has_override()) return 2;
  return row.health() == v1::HEALTH_HEALTHY ? 4 : 3;
}

// How near it is to opening.
double Nearness(const BoardRow& row) {
  if (!row.has_failure_rate() || !row.has_failure_rate_threshold()) return 0;
  return row.failure_rate() / row.failure_rate_threshold();
}

bool IsWorse(const BoardRow& a, const BoardRow& b) {
  const double nearness_a = Nearness(a), nearness_b = Nearness(b);
  return std::forward_as_tuple(Rank(a), -nearness_a, a.name()) <
         std::forward_as_tuple(Rank(b), -nearness_b, b.name());
}

void CountRow(const BoardRow& row, http::v1::Board& board) {
  board.set_breakers(board.breakers() + 1);
  if (row.state() == v1::STATE_OPEN) board.set_open(board.open() + 1);
  if (row.state() == v1::STATE_HALF_OPEN) board.set_half_open(board.half_open() + 1);
  if (row.has_override()) board.set_overridden(board.overridden() + 1);
}

bool Fits(const BoardRow& row, const BoardQuery& query, absl::string_view lower_filter) {
  if (query.state.has_value() && row.state() != ToProto(*query.state)) return false;
  if (query.overridden && !row.has_override()) return false;
  return lower_filter.empty() || absl::StrContains(absl::AsciiStrToLower(row.name()), lower_filter);
}

}  // namespace

http::v1::Board Board::Read(const BoardQuery& query) {
  const std::shared_ptr<const Look> look = Current();
  const std::string filter = absl::AsciiStrToLower(query.filter);
  http::v1::Board board;
  board.set_offset(static_cast<uint32_t>(query.offset));
  uint32_t matching = 0;
  for (const BoardRow& row : look->rows) {
    if (query.may_see != nullptr && !query.may_see(row.name())) continue;
    CountRow(row, board);
    if (!Fits(row, query, filter)) continue;
    const bool is_in_view = matching >= query.offset && static_cast<size_t>(board.rows_size()) <
                                                            std::min(query.limit, kMaxRows);
    if (is_in_view) *board.add_rows() = row;
    ++matching;
  }
  board.set_matching(matching);
  return board;
}

std::shared_ptr<const Board::Look> Board::AtHand(std::shared_ptr<const Look>& before) {
  MutexLock lock(&mutex_);
  asked_ = engine_.Now();
  before = last_;
  if (last_ == nullptr) return nullptr;
  if (looking_ || asked_ - last_->time < last_->fresh_for) return last_;
  looking_ = true;
  return nullptr;
}

std::shared_ptr<const Board::Look> Board::Current() {
  std::shared_ptr<const Look> before;
  if (std::shared_ptr<const Look> look = AtHand(before)) return look;
  std::unique_lock first(first_, std::defer_lock);
  if (before == nullptr) {
    first.lock();
    if (std::shared_ptr<const Look> look = AtHand(before)) return look;
  }
  std::shared_ptr<const Look> look = LookAgain(before.get());
  MutexLock lock(&mutex_);
  looking_ = false;
  last_ = look;
  return look;
}

void Board::Forget() {
  constexpr absl::Duration kPatience = absl::Seconds(10);
  std::shared_ptr<const Look> forgotten;  // Destroyed behind the lock.
  MutexLock lock(&mutex_);
  if (!looking_ && last_ != nullptr && engine_.Now() - asked_ > kPatience) last_.swap(forgotten);
}

std::shared_ptr<const Board::Look> Board::LookAgain(const Look* before) {
  constexpr size_t kNamesAtATime = 1'024;
  auto look = std::make_shared<Look>();
  look->time = engine_.Now();
  const WallAnchor anchor{look->time, engine_.WallNow()};
  look->rows.reserve(engine_.breakers());
  look->counts.reserve(engine_.breakers());
  Slot cursor = 0;
  while (!engine_.IsListed(cursor)) {
    for (const BreakerView& view : engine_.List(Glob::All(), kNamesAtATime, cursor)) {
      BoardRow& row = look->rows.emplace_back(RowOf(view, anchor));
      const Totals& totals = view.snapshot.totals;
      look->counts[view.name] = {.calls = totals.calls, .refused = totals.refused};
      if (before == nullptr) continue;
      const auto past = before->counts.find(view.name);
      if (past == before->counts.end() || past->second.calls > totals.calls) continue;
      const double seconds = absl::ToDoubleSeconds(look->time - before->time);
      row.set_calls_per_second(static_cast<double>(totals.calls - past->second.calls) / seconds);
      row.set_refused_per_second(
          static_cast<double>(totals.refused - std::min(totals.refused, past->second.refused)) /
          seconds);
    }
  }
  std::sort(look->rows.begin(), look->rows.end(), IsWorse);
  look->fresh_for = std::max(kFreshFor, kRestPerLook * (engine_.Now() - look->time));
  return look;
}

}  // namespace fusebox
