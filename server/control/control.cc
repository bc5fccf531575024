#include "server/control/control.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/control/breaker_changes.h"
#include "server/control/policy_changes.h"

namespace fusebox {
namespace {

// Of a policy each costs as long as there are policies: a round of so many takes no 100 ms.
constexpr size_t kAtOnce = 32;

absl::Status TooManyChanges(size_t limit) {
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CHANGES",
                   absl::StrCat("all ", limit,
                                " places for changes that wait for the disk are taken; try again "
                                "later, look at the disk of --data-dir, or raise "
                                "--max-waiting-changes"));
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
  if (change.kind != Kind::kVolatile && queue_.size() >= limits_.max_waiting_changes) {
    return TooManyChanges(limits_.max_waiting_changes);
  }
  queue_.push_back(std::move(change));
  return absl::OkStatus();
}

void Control::Submit(Change change) {
  if (const absl::Status taken = Enqueue(change); !taken.ok()) return change.done(taken);
  if (wake_) wake_();
}

std::vector<Control::Change> Control::TakeSome() {
  std::vector<Change> some;
  MutexLock lock(&mutex_);
  for (; !queue_.empty() && some.size() < kAtOnce; queue_.pop_front()) {
    some.push_back(std::move(queue_.front()));
  }
  return some;
}

Control::Round Control::Begin(const absl::Status& store, Tick now) {
  Round round;
  std::vector<Change> some = TakeSome();
  const std::shared_ptr<const Book> current = book();
  const bool has_expired = store.ok() && current->overrides->NextExpiry() <= now;
  if (some.empty() && !has_expired) return round;
  round.draft_.book = *current;
  if (has_expired) DropExpired(now, round.draft_);
  for (Change& change : some) Make(store, std::move(change), round);
  return round;
}

void Control::Make(const absl::Status& store, Change change, Round& round) {
  if (change.kind == Kind::kDurable && !store.ok()) return change.done(NotDurable(store));
  if (change.kind == Kind::kTrial) {
    Draft trial{.book = round.draft_.book, .rows = {}, .rules_changed = false, .effects = {}};
    return change.done(change.make(trial));
  }
  const absl::Status made = change.make(round.draft_);
  if (!made.ok()) return change.done(made);
  round.made_.push_back(std::move(change));
}

void Control::End(const Round& round, const absl::Status& kept) {
  if (round.made_.empty() && round.rows().empty()) return;
  const absl::Status applied = kept.ok() ? Apply(round.draft_) : kept;
  for (const Change& change : round.made_) {
    const bool is_alone = !kept.ok() && change.kind == Kind::kVolatile;
    change.done(is_alone ? ApplyAlone(change) : applied);
  }
}

absl::Status Control::ApplyAlone(const Change& change) {
  Draft draft{.book = *book(), .rows = {}, .rules_changed = false, .effects = {}};
  const absl::Status made = change.make(draft);
  return made.ok() ? Apply(draft) : made;
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
