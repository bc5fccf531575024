#include "server/metrics/engine_metrics.h"

#include <algorithm>
#include <utility>

#include "core/retry_budget.h"
#include "server/metrics/breaker_metrics.h"
#include "server/metrics/enum_label.h"
#include "server/metrics/family.h"

namespace fusebox {
namespace {

using prometheus::MetricFamily;

// Whether breakers do that. Such series are there from the start, so that the first transition is
// an increase and not a series that appears.
bool IsPossible(State from, State to, Cause cause) {
  switch (cause) {
    case Cause::kNone:
      return false;
    case Cause::kConsecutiveFailures:
    case Cause::kFailureRate:
    case Cause::kSlowCallRate:
      return from == State::kClosed && to == State::kOpen;
    case Cause::kRetryAfter:
      return from != State::kOpen && to == State::kOpen;
    case Cause::kWaitOver:
      return from == State::kOpen && to == State::kHalfOpen;
    case Cause::kProbeFailed:
    case Cause::kProbesExpired:
      return from == State::kHalfOpen && to == State::kOpen;
    case Cause::kProbesSucceeded:
      return from == State::kHalfOpen && to == State::kClosed;
    case Cause::kReset:
      return to == State::kClosed;
    case Cause::kDeleted:
    case Cause::kOverridden:
    case Cause::kOverrideCleared:
    case Cause::kOverrideExpired:
      return false;  // They are events of the history, and no change of state.
  }
  return false;
}

MetricFamily Outcomes(const CounterTotals& totals) {
  MetricFamily family = CounterFamily(
      "fusebox_outcomes_total",
      "Outcomes that were recorded, by what the policy made of them and whether they counted. Adds "
      "up over servers.");
  for (size_t i = 0; i < CounterTotals::kOutcomes; ++i) {
    for (size_t j = 0; j < CounterTotals::kCounted; ++j) {
      AddCounter(family, {{"outcome", EnumLabel<Outcome>(i)}, {"counted", EnumLabel<Counted>(j)}},
                 static_cast<double>(totals.recorded[i][j]));
    }
  }
  return family;
}

MetricFamily TransitionsOf(const CounterTotals& totals) {
  MetricFamily family = CounterFamily("fusebox_transitions_total",
                                      "Changes of state of all breakers, by the states before and "
                                      "after and the cause. Adds up over "
                                      "servers.");
  for (size_t from = 0; from < CounterTotals::kStates; ++from) {
    for (size_t to = 0; to < CounterTotals::kStates; ++to) {
      for (size_t cause = 0; cause < CounterTotals::kCauses; ++cause) {
        const uint64_t count = totals.transitions[from][to][cause];
        const bool possible =
            IsPossible(static_cast<State>(from), static_cast<State>(to), static_cast<Cause>(cause));
        if (!possible && count == 0) continue;
        AddCounter(family,
                   {{"from", EnumLabel<State>(from)},
                    {"to", EnumLabel<State>(to)},
                    {"cause", EnumLabel<Cause>(cause)}},
                   static_cast<double>(count));
      }
    }
  }
  return family;
}

}  // namespace

EngineMetrics::EngineMetrics(Engine& engine, EngineMetricsOptions options)
    : engine_(engine),
      version_(std::move(options.version)),
      plain_names_(options.plain_names),
      series_(options.max_breakers) {}

std::vector<MetricFamily> EngineMetrics::Collect() const {
  std::vector<MetricFamily> families;
  AddServer(families);
  MutexLock lock(&mutex_);
  series_.ReadOwn(engine_);
  const CounterTotals totals = engine_.counters();
  const size_t breakers = engine_.breakers();
  series_.FoldRest(totals, breakers);
  AddBreakers(totals.BreakersByState(breakers), families);
  AddBreakerFamilies(series_, families);
  if (plain_names_) AddPlainFamilies(series_, families);
  AddDecisions(totals, families);
  families.push_back(Outcomes(totals));
  families.push_back(TransitionsOf(totals));
  families.push_back(Counter("fusebox_breakers_evicted_total",
                             "Breakers that were forgotten because nobody asked for them in "
                             "--idle-ttl. Adds up over servers.",
                             static_cast<double>(totals.Evicted())));
  AddPrivateBudgets(totals, families);
  AddBudgets(families);
  return families;
}

void EngineMetrics::AddServer(Families& families) const {
  MetricFamily& build = families.emplace_back(
      GaugeFamily("fusebox_build_info", "Always 1; the label says which release this server is."));
  AddGauge(build, {{"version", version_}}, 1);
  families.push_back(Gauge("fusebox_server_life",
                           "Which start of a server this is: greater with every start.",
                           static_cast<double>(engine_.life())));
  families.push_back(Gauge("fusebox_watchers", "Watches that are open. Adds up over servers.",
                           static_cast<double>(engine_.watchers())));
  families.push_back(Gauge("fusebox_waiting_calls",
                           "Calls that wait for a place in a bulkhead or a token of a rate limit. "
                           "Adds up over servers.",
                           static_cast<double>(engine_.waiting())));
  families.push_back(Counter("fusebox_waits_total",
                             "Calls that began to wait for a place in a bulkhead or a token of a "
                             "rate limit. Adds up over servers.",
                             static_cast<double>(engine_.waited())));
  families.push_back(Gauge("fusebox_waiting_calls_max",
                           "How many calls may wait: --max-waiting-calls. Adds up over servers.",
                           static_cast<double>(engine_.max_waiting())));
  families.push_back(Gauge("fusebox_events",
                           "Events that the history holds: when it is full, the oldest go. Take "
                           "the maximum over servers.",
                           static_cast<double>(engine_.events().size())));
  families.push_back(Gauge("fusebox_events_max",
                           "How many events the history may hold: --max-events. Take the maximum "
                           "over servers.",
                           static_cast<double>(engine_.events().capacity())));
}

void EngineMetrics::AddBreakers(const BreakersByState& by_state, Families& families) const {
  MetricFamily& all = families.emplace_back(
      GaugeFamily("fusebox_breakers",
                  "Breakers that exist, all of them, by the state that they are in, whatever "
                  "overrides impose on them. Servers share none: adds up over them."));
  for (size_t i = 0; i < by_state.size(); ++i) {
    AddGauge(all, {{"state", EnumLabel<State>(i)}}, static_cast<double>(by_state[i]));
  }
  families.push_back(Gauge("fusebox_breakers_max",
                           "How many breakers may exist on this server: --max-breakers.",
                           static_cast<double>(engine_.max_breakers())));
  families.push_back(Gauge("fusebox_metrics_folded_breakers",
                           "Breakers without series of their own: their calls are in "
                           "breaker=\"other\". Raise --metrics-max-breakers to see them.",
                           static_cast<double>(series_.folded())));
  families.push_back(Counter("fusebox_metrics_displaced_total",
                             "Series of breakers that ended because busier or unhealthier ones "
                             "took their places. Adds up over servers.",
                             static_cast<double>(series_.displaced())));
}

// A call that SHADOW let pass is counted as allowed and, a moment later, as denied but for SHADOW:
// the difference may be read too high, and must then not come down.
void EngineMetrics::AddDecisions(const CounterTotals& totals, Families& families) const {
  uint64_t shadow_denied = 0;
  for (const uint64_t count : totals.shadow_denied) shadow_denied += count;
  allowed_ = std::max(allowed_, totals.allowed - std::min(totals.allowed, shadow_denied));

  MetricFamily& family = families.emplace_back(CounterFamily(
      "fusebox_decisions_total",
      "Answers to Allow, by decision and reason; shadow_denied is what passed only because the "
      "breaker is in SHADOW. Adds up over servers."));
  const auto add = [&](const char* decision, const std::string& reason, uint64_t count) {
    AddCounter(family, {{"decision", decision}, {"reason", reason}}, static_cast<double>(count));
  };
  add("allowed", "none", allowed_);
  for (size_t i = 1; i < CounterTotals::kReasons; ++i) {
    add("denied", EnumLabel<Reason>(i), totals.denied[i]);
    add("shadow_denied", EnumLabel<Reason>(i), totals.shadow_denied[i]);
  }
}

void EngineMetrics::BudgetSeries::Update(const BudgetStatus& status) {
  if (status.spent < spent || status.refused < refused) {
    spent_before += spent;
    refused_before += refused;
  }
  spent = status.spent;
  refused = status.refused;
}

void EngineMetrics::AddPrivateBudgets(const CounterTotals& totals, Families& families) const {
  families.push_back(Counter("fusebox_private_retry_budgets_spent_total",
                             "Retries that breakers' own budgets granted, of all breakers "
                             "together. Adds up over servers.",
                             static_cast<double>(totals.private_retries_spent)));
  families.push_back(Counter("fusebox_private_retry_budgets_refused_total",
                             "Retries that breakers' own budgets refused, of all breakers "
                             "together; those in SHADOW pass all the same. Adds up over servers.",
                             static_cast<double>(totals.private_retries_refused)));
}

void EngineMetrics::AddBudgets(Families& families) const {
  MetricFamily balance = GaugeFamily("fusebox_retry_budget_balance",
                                     "Retries that a shared budget would grant now. Each server "
                                     "holds its own: adds up over them.");
  MetricFamily spent = CounterFamily("fusebox_retry_budget_spent_total",
                                     "Retries that a shared budget granted. Adds up over servers.");
  MetricFamily refused =
      CounterFamily("fusebox_retry_budget_refused_total",
                    "Retries that a shared budget refused. Adds up over servers.");
  std::map<std::string, BudgetSeries> present;
  for (const BudgetStatus& status : engine_.Budgets()) {
    BudgetSeries series = budgets_[status.name];
    series.Update(status);
    const Labels labels = {{"budget", status.name}};
    AddGauge(balance, labels,
             static_cast<double>(status.balance) / static_cast<double>(RetryBudget::kOneRetry));
    AddCounter(spent, labels, static_cast<double>(series.spent_before + series.spent));
    AddCounter(refused, labels, static_cast<double>(series.refused_before + series.refused));
    present.emplace(status.name, series);
  }
  budgets_.swap(present);
  families.push_back(std::move(balance));
  families.push_back(std::move(spent));
  families.push_back(std::move(refused));
}

}  // namespace fusebox
