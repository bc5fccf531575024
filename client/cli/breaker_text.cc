#include "client/cli/breaker_text.h"

#include "absl/strings/str_cat.h"
#include "client/cli/enums.h"
#include "client/cli/output.h"

namespace fusebox::cli {

Cell StateCell(v1::State state) {
  switch (state) {
    case v1::STATE_OPEN:
      return {EnumText(state), Colour::kRed};
    case v1::STATE_HALF_OPEN:
      return {EnumText(state), Colour::kYellow};
    case v1::STATE_CLOSED:
      return {EnumText(state), Colour::kGreen};
    default:
      return {EnumText(state)};
  }
}

Cell HealthCell(v1::Health health) {
  switch (health) {
    case v1::HEALTH_UNHEALTHY:
      return {EnumText(health), Colour::kRed};
    case v1::HEALTH_DEGRADED:
      return {EnumText(health), Colour::kYellow};
    case v1::HEALTH_HEALTHY:
      return {EnumText(health), Colour::kGreen};
    default:
      return {EnumText(health)};
  }
}

std::string OverrideText(const v1::Breaker& breaker) {
  if (!breaker.has_override()) return "-";
  const v1::Override& imposed = breaker.override();
  std::string text = EnumText(imposed.mode());
  if (!imposed.actor().empty()) absl::StrAppend(&text, " by ", imposed.actor());
  if (!imposed.reason().empty()) absl::StrAppend(&text, ": ", imposed.reason());
  if (imposed.has_remaining()) {
    absl::StrAppend(&text, ", ", DurationText(imposed.remaining()), " left");
  }
  return text;
}

std::string TransitionText(const v1::Transition& transition) {
  return absl::StrCat(EnumText(transition.from()), " -> ", EnumText(transition.to()), ", ",
                      EnumText(transition.cause()));
}

std::string RetryAfterText(const v1::Breaker& breaker) {
  return breaker.has_retry_after() ? DurationText(breaker.retry_after()) : "-";
}

}  // namespace fusebox::cli
