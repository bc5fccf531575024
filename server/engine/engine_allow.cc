// The data plane: Allow, of one breaker or of the first of several, now or when its turn comes.
#include <algorithm>
#include <utility>

#include "core/name.h"
#include "server/engine/engine.h"

namespace fusebox {
namespace {

// How many that wait one operation answers at most.
constexpr size_t kAtOnce = 16;

bool MayWaitFor(Reason reason) {
  return reason == Reason::kBulkhead || reason == Reason::kRateLimit;
}

// Whether none of the others is to be asked.
bool IsFinal(const Decision& decision) {
  return decision.allowed || decision.waits || decision.reason == Reason::kDuplicate;
}

// All have refused; the answer is that of the first.
AllowAnswer RefusedByAll(std::vector<Refused> refused) {
  AllowAnswer answer{.decision = refused.front().decision};
  if (refused.size() > 1) answer.refused = std::move(refused);
  return answer;
}

}  // namespace

absl::StatusOr<AllowAnswer> Engine::Allow(absl::string_view breaker, const Question& question,
                                          absl::string_view client) {
  if (const absl::Status name = CheckClientName(client); !name.ok()) return name;
  return Allow(breaker, question, [client] { return std::string(client); });
}

absl::StatusOr<AllowAnswer> Engine::Allow(absl::string_view breaker, const Question& question,
                                          ClientSource client) {
  Drill drill;
  return Ask(breaker, question, client, drill);
}

absl::StatusOr<AllowAnswer> Engine::Ask(absl::string_view breaker, const Question& question,
                                        ClientSource client, Drill& drill) {
  const Tick now = clock_.Now();
  AllowAnswer answer;
  Aftermath aftermath;
  std::string shared_budget;
  {
    absl::StatusOr<LockedBreaker> entered = EnterOrCreate(breaker, now, aftermath);
    if (!entered.ok()) return entered.status();
    const LockedBreaker entry = *std::move(entered);
    const uint32_t revision = entry->guard.revision();
    entry->last_used = std::max(entry->last_used, now);
    // Whoever's turn has come is before this one.
    if (entry->guard.waiting() > 0) Serve(*entry, now, aftermath);
    answer.decision =
        entry->guard.Acquire(*entry->ruling, question, now, numbers_, aftermath.transitions);
    if (question.IsExtra()) shared_budget = entry->ruling->policy.shared_retry_budget;
    drill = DrillThatRefused(entry->guard.override(), answer.decision);
    Leave(*entry, revision, aftermath);
  }
  Settle(breaker, question, client, {aftermath.slot, shared_budget, drill}, now, answer);
  Publish(breaker, aftermath);
  return answer;
}

Drill Engine::DrillThatRefused(const std::shared_ptr<const Override>& imposed,
                               const Decision& decision) {
  const bool drilled =
      decision.reason == Reason::kForcedOpen && imposed != nullptr && imposed->drill;
  return drilled ? imposed : nullptr;
}

// What is asked and counted once the breaker is unlocked.
void Engine::Settle(absl::string_view breaker, const Question& question, ClientSource client,
                    const Terms& terms, Tick now, AllowAnswer& answer) {
  if (answer.decision.waits) return;
  if (terms.drill != nullptr) drills_.Count(*terms.drill, client());
  if (!terms.shared_budget.empty() && answer.decision.allowed) {
    answer.decision =
        SpendShared(breaker, question, terms.shared_budget, terms.slot, answer.decision, now);
  }
  if (answer.decision.allowed) {
    answer.permit = seal_.Seal(answer.decision.permit, terms.slot, breaker);
  }
  counters_.CountDecision(terms.slot, answer.decision);
  if (question.IsExtra() && terms.shared_budget.empty()) {
    counters_.CountPrivateRetry(terms.slot, answer.decision);
  }
}

Decision Engine::SpendShared(absl::string_view breaker, const Question& question,
                             const std::string& budget, Slot slot, const Decision& allowed,
                             Tick now) {
  // A call that SHADOW let pass would not have been made, so it would not have spent either.
  if (allowed.shadow_denied || budgets_.TryWithdraw(budget, now)) return allowed;
  return RefuseAfterAll(breaker, question, slot, allowed,
                        {Reason::kRetryBudget, budgets_.RetryAfter(budget)});
}

Decision Engine::RefuseAfterAll(absl::string_view breaker, const Question& question, Slot slot,
                                const Decision& allowed, const Refusal& refusal) {
  LockedBreaker entry = registry_.FindAt(slot, breaker);
  if (!entry) {
    // Forgotten in between: there is nothing to give back to.
    return {.reason = refusal.reason,
            .state = allowed.state,
            .epoch = allowed.epoch,
            .retry_after = refusal.retry_after,
            .first = refusal.first};
  }
  const Decision refused = entry->guard.Refuse(*entry->ruling, question, allowed, refusal);
  LetTimerServe(std::move(entry));
  return refused;
}

// What was given back is somebody's turn. It is not served here: this may be in the middle of it.
void Engine::LetTimerServe(LockedBreaker entry) {
  const Tick turn = entry->guard.NextTurn(*entry->ruling);
  const Slot slot = entry->slot();
  entry.Unlock();
  if (turn != Tick::Max()) turns_.Push(turn, slot);
}

void Engine::TakeBack(absl::string_view breaker, const Decision& allowed) {
  LockedBreaker entry = registry_.Find(breaker);
  if (!entry) return;
  entry->guard.TakeBack(*entry->ruling, allowed);
  LetTimerServe(std::move(entry));
}

absl::StatusOr<AllowAnswer> Engine::AllowAny(absl::Span<const absl::string_view> breakers,
                                             const Question& question, absl::string_view client) {
  std::vector<Drill> drills;
  return AskAll(breakers, question, client, drills);
}

absl::StatusOr<AllowAnswer> Engine::AskAll(absl::Span<const absl::string_view> breakers,
                                           const Question& question, absl::string_view client,
                                           std::vector<Drill>& drills) {
  if (breakers.size() == 1) return Allow(breakers[0], question, client);
  // Found out before anything is spent.
  if (const absl::Status name = CheckClientName(client); !name.ok()) return name;
  for (const absl::string_view breaker : breakers) {
    if (const absl::Status name = CheckBreakerName(breaker); !name.ok()) return name;
  }
  if (auto duplicate = FindDuplicate(breakers, question, breakers.size())) return *duplicate;
  const auto name = [client] { return std::string(client); };
  std::vector<Refused> refused;
  for (size_t i = 0; i < breakers.size(); ++i) {
    Drill drill;
    absl::StatusOr<AllowAnswer> answer = Ask(breakers[i], question, name, drill);
    if (!answer.ok()) {
      // One breaker too many. An error would be taken for leave to call the first, which refuses.
      if (refused.empty()) return answer;
      continue;
    }
    if (IsFinal(answer->decision)) {
      answer->chosen = i;
      answer->refused = std::move(refused);
      Confirm(breakers, question, drills, *answer);
      return answer;
    }
    refused.push_back({i, answer->decision});
    if (drill != nullptr) drills.push_back(std::move(drill));
  }
  return RefusedByAll(std::move(refused));
}

// A call with the same key may have been granted by another one since that was asked.
void Engine::Confirm(absl::Span<const absl::string_view> breakers, const Question& question,
                     const std::vector<Drill>& drills, AllowAnswer& answer) {
  if (!answer.decision.allowed) return;
  if (auto duplicate = FindDuplicate(breakers, question, answer.chosen)) {
    TakeBack(breakers[answer.chosen], answer.decision);
    duplicate->refused = std::move(answer.refused);
    answer = *std::move(duplicate);
    return;
  }
  for (const Drill& drill : drills) drills_.CountFallback(*drill, breakers[answer.chosen]);
}

// A key that one of them knows is looked for at all but `except`: who does not know it would grant.
std::optional<AllowAnswer> Engine::FindDuplicate(absl::Span<const absl::string_view> breakers,
                                                 const Question& question, size_t except) {
  if (question.idempotency_key.empty()) return std::nullopt;
  const Tick now = clock_.Now();
  for (size_t i = 0; i < breakers.size(); ++i) {
    if (i == except) continue;
    Aftermath aftermath;
    LockedBreaker entry = Enter(breakers[i], now, aftermath);
    if (!entry) continue;
    const uint32_t revision = entry->guard.revision();
    const std::optional<Decision> refusal = entry->guard.RefuseDuplicate(
        *entry->ruling, question, now, numbers_, aftermath.transitions);
    Leave(*entry, revision, aftermath);
    entry.Unlock();
    Publish(breakers[i], aftermath);
    if (!refusal.has_value()) continue;
    counters_.CountDecision(aftermath.slot, *refusal);
    return AllowAnswer{.chosen = i, .decision = *refusal};
  }
  return std::nullopt;
}

absl::StatusOr<AllowAnswer> Engine::AllowOrWait(absl::Span<const absl::string_view> breakers,
                                                const Question& question, absl::string_view client,
                                                absl::Duration longest, WhenAnswered answered) {
  WaitingCall call{.breakers = {breakers.begin(), breakers.end()},
                   .client = std::string(client),
                   .answered = std::move(answered)};
  if (breakers.size() > 1) {
    absl::StatusOr<AllowAnswer> answer = AskAll(breakers, question, client, call.drills);
    if (!answer.ok() || IsFinal(answer->decision)) return answer;
    const auto worth_it =
        std::find_if(answer->refused.begin(), answer->refused.end(),
                     [](const Refused& one) { return MayWaitFor(one.decision.reason); });
    if (worth_it == answer->refused.end()) return answer;
    call.chosen = worth_it->index;
    call.refused = std::move(answer->refused);
  }
  return AskToWait(std::move(call), question, longest);
}

absl::StatusOr<AllowAnswer> Engine::AskToWait(WaitingCall call, const Question& question,
                                              absl::Duration longest) {
  const std::string breaker = call.breaker(), client = call.client;
  const uint64_t ticket = waiting_room_.Enter(std::move(call));
  Question patient = question;
  if (ticket != 0 && longest > absl::ZeroDuration()) patient.wait = Wait{ticket, longest};
  absl::StatusOr<AllowAnswer> answer = Allow(breaker, patient, client);
  if (answer.ok() && answer->decision.waits) {
    answer->ticket = ticket;
    if (waits_are_over_) EndWaitsAt(breaker);
    return answer;
  }
  std::optional<WaitingCall> back = waiting_room_.Leave(ticket);
  if (!answer.ok() || !back.has_value()) return answer;
  return AfterWait(*back, question, *std::move(answer));
}

// The answer of the one that was waited for, beside what the others had said before.
AllowAnswer Engine::AfterWait(WaitingCall& call, const Question& question, AllowAnswer answer) {
  if (call.refused.empty()) return answer;
  std::vector<Refused> refused = std::move(call.refused);
  const auto chosen = std::find_if(refused.begin(), refused.end(), [&call](const Refused& one) {
    return one.index == call.chosen;
  });
  if (!IsFinal(answer.decision)) {
    chosen->decision = answer.decision;
    return RefusedByAll(std::move(refused));
  }
  refused.erase(chosen, refused.end());
  answer.chosen = call.chosen;
  answer.refused = std::move(refused);
  const std::vector<absl::string_view> breakers(call.breakers.begin(), call.breakers.end());
  Confirm(breakers, question, call.drills, answer);
  return answer;
}

bool Engine::CancelWait(uint64_t ticket) {
  const std::optional<std::string> breaker = waiting_room_.BreakerOf(ticket);
  if (!breaker.has_value()) return false;
  {
    const LockedBreaker entry = registry_.Find(*breaker);
    if (!entry || !entry->guard.CancelWait(ticket)) return false;
  }
  waiting_room_.Leave(ticket);
  return true;
}

void Engine::EndWaits() {
  waits_are_over_ = true;
  for (const std::string& breaker : waiting_room_.Breakers()) EndWaitsAt(breaker);
}

void Engine::EndWaitsAt(absl::string_view breaker) {
  for (bool more = true; more;) {
    Aftermath aftermath;
    LockedBreaker entry = Enter(breaker, clock_.Now(), aftermath);
    if (!entry || entry->guard.waiting() == 0) return;
    const uint32_t revision = entry->guard.revision();
    // Those that come meanwhile wait as before, or are ended by who let them.
    more = EndSomeWaits(*entry, aftermath) == kAtOnce;
    Leave(*entry, revision, aftermath);
    entry.Unlock();
    Publish(breaker, aftermath);
  }
}

size_t Engine::EndSomeWaits(BreakerEntry& entry, Aftermath& aftermath) {
  entry.guard.EndWaits(*entry.ruling, kAtOnce, clock_.Now(), numbers_, aftermath.transitions,
                       aftermath.turns);
  NoteTermsOfTurns(entry, aftermath);
  return aftermath.turns.size();
}

// A thread that has something else to do serves few; the timer has the rest.
void Engine::Serve(BreakerEntry& entry, Tick now, Aftermath& aftermath) {
  entry.guard.ServeWaiters(*entry.ruling, kAtOnce, now, numbers_, aftermath.transitions,
                           aftermath.turns);
  NoteTermsOfTurns(entry, aftermath);
}

void Engine::NoteTermsOfTurns(const BreakerEntry& entry, Aftermath& aftermath) {
  if (aftermath.turns.empty() || aftermath.turn_terms != nullptr) return;
  aftermath.turn_terms = std::make_unique<TurnTerms>(
      TurnTerms{entry.ruling->policy.shared_retry_budget, entry.guard.override()});
}

void Engine::AnswerTurns(const Aftermath& aftermath) {
  const Tick now = clock_.Now();
  for (const Turn& turn : aftermath.turns) {
    std::optional<WaitingCall> call = waiting_room_.Leave(turn.asked.id());
    if (!call.has_value()) continue;
    const Question question = turn.asked.question();
    const std::string budget = question.IsExtra() ? aftermath.turn_terms->shared_budget : "";
    const Drill drill = DrillThatRefused(aftermath.turn_terms->imposed, turn.decision);
    AllowAnswer answer{.decision = turn.decision};
    const auto client = [&call] { return call->client; };
    Settle(call->breaker(), question, client, {aftermath.slot, budget, drill}, now, answer);
    answer = AfterWait(*call, question, std::move(answer));
    const Decision decision = answer.decision;
    if (!call->answered(std::move(answer)) && decision.allowed) {
      TakeBack(call->breaker(), decision);
    }
  }
}

}  // namespace fusebox
