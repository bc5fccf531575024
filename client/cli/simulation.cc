#include "client/cli/simulation.h"

#include <algorithm>
#include <utility>

namespace fusebox::cli {

void CallCounts::Add(Outcome outcome) {
  ++calls;
  if (IsFailure(outcome)) ++failures;
  if (IsSuccess(outcome)) ++successes;
}

Simulation::Simulation(std::shared_ptr<const RulingPolicy> ruling,
                       std::optional<RetryBudgetPolicy> shared_budget)
    : ruling_(std::move(ruling)), shared_policy_(shared_budget) {}

void Simulation::Begin(Tick now) {
  guard_.emplace(source_.NextEpoch(), now);
  if (shared_policy_.has_value()) shared_budget_.emplace(*shared_policy_, now);
  begun_ = latest_ = since_ = now;
}

void Simulation::Take(const TracedCall& call) {
  if (!guard_.has_value()) Begin(call.time);
  AdvanceTo(call.time);
  const Outcome outcome = ruling_->classification.Classify(call.result);
  result_.traced.Add(outcome);
  const Decision decision = Ask({.attempt = call.attempt}, call.time);
  if (!decision.allowed) {
    result_.refused.Add(outcome);
    result_.refused_for[decision.reason].Add(outcome);
    return;
  }
  in_flight_.push({.time = call.time + call.latency.value_or(absl::ZeroDuration()),
                   .serial = asked_++,
                   .permit = decision.permit,
                   .result = call.result,
                   .latency = call.latency,
                   .retry_after = call.retry_after,
                   .client = std::string(call.client)});
}

void Simulation::AdvanceTo(Tick now) {
  while (true) {
    const Tick end = in_flight_.empty() ? Tick::Max() : in_flight_.top().time;
    const Tick deadline = guard_->NextDeadline();
    if (std::min(end, deadline) > now) break;
    if (deadline <= end) {
      guard_->Advance(*ruling_, deadline, source_, transitions_);
      latest_ = std::max(latest_, deadline);
      Absorb();
    } else {
      Tell(in_flight_.top());
      in_flight_.pop();
    }
  }
  latest_ = std::max(latest_, now);
}

Decision Simulation::Ask(const Question& question, Tick now) {
  Decision decision = guard_->Acquire(*ruling_, question, now, source_, transitions_);
  const bool spends = decision.allowed && question.IsExtra() && shared_budget_.has_value();
  if (spends && !shared_budget_->TryWithdraw(*shared_policy_, now)) {
    decision = guard_->Refuse(*ruling_, question, decision,
                              {Reason::kRetryBudget, RetryBudget::RetryAfter(*shared_policy_)});
  }
  Absorb();
  return decision;
}

void Simulation::Tell(const End& end) {
  const Ending ending{.permit = end.permit,
                      .result = end.result,
                      .latency = end.latency,
                      .retry_after = end.retry_after,
                      .client = end.client};
  latest_ = std::max(latest_, end.time);
  const Verdict verdict = guard_->Record(*ruling_, ending, end.time, source_, transitions_);
  if (verdict.counted == Counted::kLate) ++result_.late;
  if (verdict.earned_calls > 0 && shared_budget_.has_value()) {
    shared_budget_->Deposit(*shared_policy_, verdict.earned_calls, end.time);
  }
  Absorb();
}

void Simulation::Absorb() {
  for (Transition& transition : transitions_) {
    spent_[static_cast<size_t>(transition.from)] += transition.time - since_;
    since_ = transition.time;
    if (transition.to == State::kOpen) ++result_.opened;
    if (++result_.transition_count <= kMaxToldTransitions) {
      result_.transitions.push_back(std::move(transition));
    }
  }
  transitions_.clear();
}

SimulationResult Simulation::Finish() {
  if (!guard_.has_value()) return result_;
  while (!in_flight_.empty()) AdvanceTo(in_flight_.top().time);
  result_.state = guard_->state();
  spent_[static_cast<size_t>(result_.state)] += latest_ - since_;
  result_.length = latest_ - begun_;
  result_.open = spent_[static_cast<size_t>(State::kOpen)];
  result_.half_open = spent_[static_cast<size_t>(State::kHalfOpen)];
  return std::move(result_);
}

}  // namespace fusebox::cli
