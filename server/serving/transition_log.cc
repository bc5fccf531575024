#include "server/serving/transition_log.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "proto/convert/convert.h"
#include "server/log/log.h"

namespace fusebox {
namespace {

constexpr size_t kAtATime = 100;

std::string Short(const std::string& name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

void WriteOne(const Event& event) {
  const Transition& t = event.transition;
  Log(t.to == State::kOpen ? Severity::kWarning : Severity::kInfo, "transition",
      {{"breaker", event.breaker},
       {"from", Short(v1::State_Name(ToProto(t.from)), "STATE_")},
       {"to", Short(v1::State_Name(ToProto(t.to)), "STATE_")},
       {"cause", Short(v1::Cause_Name(ToProto(t.cause)), "CAUSE_")},
       {"epoch", absl::StrCat(t.epoch)},
       {"calls", absl::StrCat(t.window.calls)},
       {"failures", absl::StrCat(t.window.failures)},
       {"slow", absl::StrCat(t.window.slow)},
       {"run", absl::StrCat(t.consecutive_failures)},
       {"clients", absl::StrJoin(t.failing_clients, ",")},
       {"open_for", absl::FormatDuration(t.open_for)}});
}

}  // namespace

void TransitionLog::Write() {
  const uint64_t last = events_.last_number();
  if (last == written_) return;
  for (const Event& event : events_.After(written_, kAtATime)) {
    WriteOne(event);
    written_ = event.transition.number;
  }
  // What is still on its way through a gap of numbers is not waited for.
  if (last > written_ + kAtATime) {
    Log(Severity::kWarning, "transitions_not_logged", {{"count", absl::StrCat(last - written_)}});
  }
  written_ = std::max(written_, last);
}

}  // namespace fusebox
