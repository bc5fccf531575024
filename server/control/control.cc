#include "server/control/control.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/control/breaker_changes.h"
#include "server/control/policy_changes.h"

namespace fusebox {
namespace {

// More than operators make while a disk stalls for a minute.
constexpr size_t kMaxWaiting = 10'000;

absl::Status TooManyChanges() {
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CHANGES",
                   absl::StrCat("all ", kMaxWaiting,
                                " places for changes that wait for the disk are taken; try again "
                                "later, and look at the disk of --data-dir"));
}

absl::Status Closed() {
  return MakeError(absl::StatusCode::kUnavailable, "DRAINING",
                   "the server is about to stop; ask the next one");
}

absl::Status NotDurable(const absl::Status& store) {
  return MakeError(
      absl::StatusCode::kUnavailable, "NOT_DURABLE",
      absl::StrCat("nothing can be changed while nothing can be kept: ", store.message()));
}

}  // namespace

absl::Status Control::Enqueue(Change& change) {
  MutexLock lock(&mutex_);
  if (is_closed_) return Closed();
  if (queue_.size() >= kMaxWaiting) return TooManyChanges();
  queue_.push_back(std::move(change));
  return absl::OkStatus();
}

void Control::Submit(Change change) {
  if (const absl::Status taken = Enqueue(change); !taken.ok()) return change.done(taken);
  if (wake_) wake_();
}

std::deque<Control::Change> Control::TakeQueue() {
  std::deque<Change> queue;
  MutexLock lock(&mutex_);
  queue.swap(queue_);
  return queue;
}

Control::Round Control::Begin(const absl::Status& store, Tick now) {
  Round round;
  round.draft_.book = *book();
  if (store.ok()) DropExpired(now, round.draft_);
  for (Change& change : TakeQueue()) {
    if (change.kind == Kind::kDurable && !store.ok()) {
      change.done(NotDurable(store));
      continue;
    }
    if (change.kind == Kind::kTrial) {
      Draft trial = round.draft_;
      change.done(change.make(trial));
      continue;
    }
    if (const absl::Status made = change.make(round.draft_); made.ok()) {
      round.waiting_.push_back(std::move(change.done));
    } else {
      change.done(made);
    }
  }
  return round;
}

void Control::End(const Round& round, const absl::Status& kept) {
  const absl::Status status = kept.ok() ? Apply(round.draft_) : kept;
  for (const auto& done : round.waiting_) done(status);
}

absl::Status Control::Apply(const Draft& draft) {
  if (draft.rules_changed) {
    const absl::StatusOr<EngineRules> rules = MakeRules(draft.book);
    if (!rules.ok()) return rules.status();
    const absl::Status set = engine_.SetPolicies(rules->policies, rules->budgets);
    if (!set.ok()) return set;
  }
  {
    MutexLock lock(&mutex_);
    book_ = std::make_shared<const Book>(draft.book);
  }
  for (const auto& effect : draft.effects) effect(engine_);
  return absl::OkStatus();
}

absl::Status Control::SetFile(const std::vector<v1::Policy>& policies,
                              const std::vector<v1::RetryBudget>& budgets) {
  Draft draft{.book = *book(), .rows = {}, .rules_changed = true, .effects = {}};
  const absl::Status replaced = ReplaceFileResources(policies, budgets, draft);
  return replaced.ok() ? Apply(draft) : replaced;
}

absl::Status Control::Restore(const Book& kept) {
  Draft draft{.book = *book(), .rows = {}, .rules_changed = true, .effects = {}};
  if (absl::Status added = AddKeptResources(kept, draft.book); !added.ok()) return added;
  draft.book.overrides = kept.overrides;
  return Apply(draft);
}

void Control::Close() {
  MutexLock lock(&mutex_);
  is_closed_ = true;
}

std::shared_ptr<const Book> Control::book() const {
  MutexLock lock(&mutex_);
  return book_;
}

bool Control::is_idle() const {
  MutexLock lock(&mutex_);
  return queue_.empty();
}

}  // namespace fusebox
