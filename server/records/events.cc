#include "server/records/events.h"

#include <utility>

namespace fusebox {
namespace {

v1::DrillReport ShowReport(const DrillReport& report) {
  v1::DrillReport message;
  *message.mutable_lasted() = ToProto(report.lasted);
  message.set_refused(report.refused);
  for (const auto& [client, calls] : report.clients) {
    v1::ClientCalls& item = *message.add_clients();
    item.set_client(client);
    item.set_calls(calls);
  }
  message.set_refused_to_others(report.refused_to_others);
  for (const auto& [breaker, calls] : report.fallbacks) {
    v1::FallbackCalls& item = *message.add_fallbacks();
    item.set_breaker(breaker);
    item.set_calls(calls);
  }
  return message;
}

DrillReport ReadReport(const v1::DrillReport& message) {
  DrillReport report{.lasted = FromProto(message.lasted()), .refused = message.refused()};
  for (const v1::ClientCalls& item : message.clients()) {
    report.clients.emplace_back(item.client(), item.calls());
  }
  report.refused_to_others = message.refused_to_others();
  for (const v1::FallbackCalls& item : message.fallbacks()) {
    report.fallbacks.emplace_back(item.breaker(), item.calls());
  }
  return report;
}

}  // namespace

v1::Transition ToProto(const Event& event, const WallAnchor& anchor) {
  v1::Transition message = ToProto(event.transition, event.breaker, anchor);
  message.set_policy(event.policy);
  message.set_actor(event.actor);
  message.set_reason(event.reason);
  message.set_trace_id(event.trace_id);
  if (event.override != nullptr) {
    // Nothing changed its state: there may be many breakers, or none.
    message.clear_from();
    message.clear_to();
    message.clear_window();
    *message.mutable_override() = ToProto(*event.override, anchor);
    message.mutable_override()->clear_remaining();
  }
  if (event.transition.cause == Cause::kDeleted) message.clear_to();
  if (event.drill_report != nullptr) {
    *message.mutable_drill_report() = ShowReport(*event.drill_report);
  }
  return message;
}

Event FromProto(const v1::Transition& message, const WallAnchor& anchor) {
  Event event{.breaker = message.breaker(),
              .transition = TransitionFromProto(message, anchor),
              .policy = message.policy(),
              .actor = message.actor(),
              .reason = message.reason(),
              .trace_id = message.trace_id()};
  if (message.has_override()) {
    absl::StatusOr<Override> override = FromProto(message.override(), anchor);
    if (override.ok()) event.override = std::make_shared<const Override>(*std::move(override));
  }
  if (message.has_drill_report()) {
    event.drill_report = std::make_shared<const DrillReport>(ReadReport(message.drill_report()));
  }
  return event;
}

}  // namespace fusebox
