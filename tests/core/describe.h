#ifndef FUSEBOX_TESTS_CORE_DESCRIBE_H_
#define FUSEBOX_TESTS_CORE_DESCRIBE_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/guard.h"

namespace fusebox {

// One line for everything that a guard says, so that two of them can be compared and, where they
// differ, read side by side. Equal lines mean equal answers.

inline std::string Describe(State state) {
  switch (state) {
    case State::kClosed:
      return "CLOSED";
    case State::kOpen:
      return "OPEN";
    case State::kHalfOpen:
      break;
  }
  return "HALF_OPEN";
}

inline std::string Describe(const WindowCounts& window) {
  return absl::StrCat(window.failures, "+", window.slow, "/", window.calls);
}

inline std::string Describe(const Decision& d) {
  return absl::StrCat(d.allowed ? "allowed" : "denied", d.shadow_denied ? " shadow" : "",
                      d.probe ? " probe" : "", " reason=", static_cast<int>(d.reason), " ",
                      Describe(d.state), " epoch=", d.epoch,
                      " after=", absl::FormatDuration(d.retry_after), " permit=", d.permit.epoch,
                      "/", d.permit.number, "/", d.permit.attempt, d.permit.votes ? "" : " mute",
                      d.permit.earns ? "" : " earnless");
}

inline std::string Describe(const Verdict& v) {
  return absl::StrCat(Describe(v.state), " epoch=", v.epoch,
                      " outcome=", static_cast<int>(v.outcome),
                      " counted=", static_cast<int>(v.counted), " earned=", v.earned_calls);
}

inline std::string Describe(const Transition& t) {
  return absl::StrCat("#", t.number, " ", Describe(t.from), "->", Describe(t.to),
                      " cause=", static_cast<int>(t.cause), " epoch=", t.epoch,
                      " at=", t.time.nanos(), " window=", Describe(t.window),
                      " run=", t.consecutive_failures,
                      " clients=", absl::StrJoin(t.failing_clients, ","),
                      " for=", absl::FormatDuration(t.open_for));
}

template <typename List>
std::string DescribeAll(const List& transitions) {
  std::string all;
  for (const Transition& transition : transitions) {
    absl::StrAppend(&all, Describe(transition), "\n");
  }
  return all;
}

inline std::string Describe(const Totals& t) {
  return absl::StrCat("calls=", t.calls, " good=", t.successes, " bad=", t.failures,
                      " refused=", t.refused, " late=", t.late, " moves=", t.transitions,
                      " timed=", t.timed_calls);
}

inline std::string Describe(const Snapshot& s) {
  return absl::StrCat(
      Describe(s.state), " epoch=", s.epoch, " revision=", s.revision,
      " override=", s.override.has_value() ? static_cast<int>(s.override->mode) : -1,
      " window=", Describe(s.window), " run=", s.consecutive_failures,
      " clients=", absl::StrJoin(s.failing_clients, ","),
      " after=", absl::FormatDuration(s.retry_after), " reopens=", s.reopens, " probes=", s.probes,
      " share=", s.ramp_share.millionths(), " score=", s.score,
      " health=", static_cast<int>(s.health), " budget=", s.budget_balance, "/", s.budget_spent,
      "/", s.budget_refused, " ", Describe(s.totals),
      " last=", s.last_transition.has_value() ? Describe(*s.last_transition) : "none");
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_DESCRIBE_H_
