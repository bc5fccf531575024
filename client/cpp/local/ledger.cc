#include "client/cpp/local/ledger.h"

#include <algorithm>
#include <utility>

namespace fusebox::internal {
namespace {

uint32_t& CountOf(OutcomeCounts& outcomes, Outcome outcome) {
  switch (outcome) {
    case Outcome::kCallerError:
      return outcomes.caller_errors;
    case Outcome::kFailure:
      return outcomes.failures;
    case Outcome::kTimeout:
      return outcomes.timeouts;
    case Outcome::kRateLimited:
      return outcomes.rate_limited;
    case Outcome::kSuccess:
    case Outcome::kIgnored:
      break;
  }
  return outcomes.successes;
}

constexpr size_t kUsualRows = 2;

// Saturates: a count of refusals is for people.
void AddTo(uint32_t& count, uint64_t calls) {
  count = static_cast<uint32_t>(std::min<uint64_t>(Ledger::kMaxCalls, count + calls));
}

void AddRetry(const Ledger::One& call, std::vector<Tally::Retries>& retries) {
  constexpr uint32_t kMany = 4;  // And more.
  const uint32_t attempt = std::min(call.attempt, kMany);
  auto kind = std::find_if(retries.begin(), retries.end(), [&](const Tally::Retries& row) {
    return row.attempt == attempt && row.previous == *call.previous_failure;
  });
  if (kind == retries.end()) {
    kind = retries.insert(kind, {.previous = *call.previous_failure, .attempt = attempt});
  }
  ++(IsSuccess(call.outcome) ? kind->succeeded : kind->failed);
}

}  // namespace

Tally LedgerRow::View(std::vector<Tally::Refusals>& refusals) const {
  refusals.clear();
  for (size_t reason = 0; reason < kReasons; ++reason) {
    if (refused[reason] == 0) continue;
    refusals.push_back({.reason = static_cast<Reason>(reason), .calls = refused[reason]});
  }
  return {.outcomes = outcomes,
          .epoch = epoch,
          .timed = timed,
          .latency = latency,
          .latency_samples = latency_samples.kept(),
          .retries = retries,
          .refusals = refusals};
}

Ledger::Ledger() { rows_.reserve(kUsualRows); }

void Ledger::Begin(Generation generation, uint64_t epoch) {
  epochs_[begun_++ % kRemembered] = {generation, epoch};
  run_ = 0;
}

void Ledger::Know(uint64_t epoch) {
  for (Epoch& begun : epochs_) {
    if (begun.epoch == 0) begun.epoch = epoch;
  }
  for (LedgerRow& row : rows_) {
    if (row.epoch == 0) row.epoch = epoch;
  }
}

LedgerRow* Ledger::RowOf(Generation generation, uint32_t calls) {
  const auto* const begun = std::find_if(
      epochs_.begin(), epochs_.end(), [=](const Epoch& e) { return e.generation == generation; });
  if (begun == epochs_.end()) return nullptr;
  const uint64_t epoch = begun->epoch;
  const auto last = std::find_if(rows_.rbegin(), rows_.rend(),
                                 [=](const LedgerRow& row) { return row.epoch == epoch; });
  const bool has_room = last != rows_.rend() && last->outcomes.Calls() + calls <= kMaxCalls;
  const bool is_full = rows_.size() >= kMaxRows;
  if (has_room && (is_full || !last->is_sealed)) return &*last;
  if (is_full) return nullptr;
  return &rows_.emplace_back(LedgerRow{.epoch = epoch});
}

void Ledger::AddSuccesses(Generation generation, uint64_t calls, uint64_t timed,
                          absl::Duration latency) {
  while (calls > 0) {
    const auto some = static_cast<uint32_t>(std::min<uint64_t>(calls, kMaxCalls));
    LedgerRow* const row = RowOf(generation, some);
    if (row == nullptr) return;
    row->outcomes.successes += some;
    row->outcomes.trailing_failures = run_ = 0;
    const auto some_timed = static_cast<uint32_t>(std::min<uint64_t>(timed, some));
    row->timed += some_timed;
    timed -= some_timed;
    row->latency += std::exchange(latency, absl::ZeroDuration());
    calls -= some;
  }
}

void Ledger::Add(Generation generation, const One& call, uint32_t run) {
  LedgerRow* const row = RowOf(generation, 1);
  if (row == nullptr) return;
  OutcomeCounts& outcomes = row->outcomes;
  ++CountOf(outcomes, call.outcome);
  if (call.is_slow) ++outcomes.slow;
  if (call.retry_after.has_value()) outcomes.retry_after = call.retry_after;
  if (call.latency.has_value()) {
    ++row->timed;
    row->latency += *call.latency;
    if (call.is_sampled && IsSuccess(call.outcome)) row->latency_samples.Add(*call.latency);
  }
  if (call.attempt > 1 && call.previous_failure.has_value()) AddRetry(call, row->retries);
  if (IsSuccess(call.outcome)) {
    outcomes.trailing_failures = run_ = 0;
  } else if (call.outcome != Outcome::kRateLimited) {
    ++outcomes.trailing_failures;
    ++run_;
  }
  if (run > 0 && run_ >= run) {
    row->is_sealed = true;
    run_ = 0;
  }
}

void Ledger::AddRefusals(Generation generation, Reason reason, uint64_t calls) {
  if (calls == 0) return;
  LedgerRow* const row = RowOf(generation, 0);
  if (row != nullptr) AddTo(row->refused[static_cast<size_t>(reason)], calls);
}

std::vector<LedgerRow> Ledger::Take() {
  std::vector<LedgerRow> taken = rows_;
  Clear();
  return taken;
}

}  // namespace fusebox::internal
