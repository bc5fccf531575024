// What operators do to breakers, and the history of it.
#include <algorithm>
#include <bitset>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "server/control/breaker_changes.h"
#include "server/errors/errors.h"
#include "server/records/events.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/list_request.h"
#include "server/rpc/show.h"

namespace fusebox {
namespace {

using Causes = std::bitset<v1::Cause_ARRAYSIZE>;

absl::StatusOr<Causes> ReadCauses(const v1::ListTransitionsRequest& request) {
  Causes causes;
  if (request.causes().empty()) causes.set();
  for (const int cause : request.causes()) {
    if (cause > v1::CAUSE_UNSPECIFIED && cause < v1::Cause_ARRAYSIZE) {
      causes.set(cause);
      continue;
    }
    return MakeError(
        absl::StatusCode::kInvalidArgument, "CAUSE_INVALID",
        absl::StrCat("causes has ", cause, "; use those of the enum Cause, or none for all"),
        "causes");
  }
  return causes;
}

// What a reader of the history wants to see.
struct HistoryFilter {
  Glob match;
  Causes causes;
  absl::Time after = absl::InfinitePast();
  absl::Time before = absl::InfiniteFuture();

  bool Wants(const Event& event, absl::Time time) const {
    if (!causes.test(static_cast<size_t>(event.transition.cause))) return false;
    if (time < after || time >= before) return false;
    if (event.override == nullptr) return match.Matches(event.breaker);
    const absl::StatusOr<Glob> imposed = Glob::Parse(event.breaker);
    return imposed.ok() && match.Overlaps(*imposed);
  }
};

// Of an override: whether it concerns a breaker that the caller may look at.
bool MayRead(const Caller& caller, const Event& event) {
  if (event.override == nullptr) return caller.May(Role::kReader, event.breaker);
  const absl::StatusOr<Glob> imposed = Glob::Parse(event.breaker);
  return imposed.ok() && caller.MaySome(Role::kReader, *imposed);
}

// Of a drill that reached further than the caller does, it is not theirs to know whose calls it
// refused: those are clients of breakers that they may not see.
void HideClients(const Caller& caller, v1::Transition& transition) {
  if (!transition.has_drill_report()) return;
  const absl::StatusOr<Glob> imposed = Glob::Parse(transition.breaker());
  if (imposed.ok() && caller.MayAll(Role::kReader, *imposed)) return;
  v1::DrillReport& report = *transition.mutable_drill_report();
  report.clear_clients();
  report.clear_fallbacks();
  report.set_refused_to_others(report.refused());
}

absl::StatusOr<HistoryFilter> ReadFilter(const v1::ListTransitionsRequest& request) {
  absl::StatusOr<Glob> match = ParseMatch(request.match());
  if (!match.ok()) return match.status();
  const absl::StatusOr<Causes> causes = ReadCauses(request);
  if (!causes.ok()) return causes.status();
  HistoryFilter filter{.match = *std::move(match), .causes = *causes};
  if (request.has_after()) filter.after = FromProto(request.after());
  if (request.has_before()) filter.before = FromProto(request.before());
  if (filter.after < filter.before) return filter;
  return MakeError(absl::StatusCode::kInvalidArgument, "TIME_INVALID",
                   absl::StrCat("after is ", absl::FormatTime(filter.after), " and before is ",
                                absl::FormatTime(filter.before),
                                ", between which nothing can be; set after to the earlier one"),
                   "after");
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::ResetBreaker(grpc::CallbackServerContext* context,
                                                     const v1::ResetBreakerRequest* request,
                                                     v1::ResetBreakerResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kOperator, Scope::Name(request->name()));
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), Control::Kind::kDurable,
                [this, request, response](const Author& author, Draft&) {
                  const absl::StatusOr<Deed> deed = MakeDeed(request->reason(), author);
                  if (!deed.ok()) return deed.status();
                  absl::Status reset = engine_.Reset(request->name(), *deed);
                  if (!reset.ok()) return reset;
                  const absl::StatusOr<BreakerView> view = engine_.Get(request->name());
                  if (view.ok()) *response->mutable_breaker() = ShowBreaker(engine_, *view);
                  return view.status();
                });
}

grpc::ServerUnaryReactor* AdminService::DeleteBreaker(grpc::CallbackServerContext* context,
                                                      const v1::DeleteBreakerRequest* request,
                                                      v1::DeleteBreakerResponse*) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kOperator, Scope::Name(request->name()));
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), Control::Kind::kDurable,
                [this, request](const Author& author, Draft& draft) {
                  const absl::StatusOr<Deed> deed = MakeDeed(request->reason(), author);
                  if (!deed.ok()) return deed.status();
                  // One that is imposed in the same round holds it too.
                  const auto held = draft.book.overrides->Find(request->name());
                  if (held != nullptr) return Engine::IsHeld(request->name(), *held);
                  return engine_.Forget(request->name(), *deed);
                });
}

grpc::ServerUnaryReactor* AdminService::OverrideBreaker(grpc::CallbackServerContext* context,
                                                        const v1::OverrideBreakerRequest* request,
                                                        v1::OverrideBreakerResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kOperator, Scope::Match(request->match()));
  if (!caller.ok()) return Finish(context, caller.status());
  const Control::Kind kind =
      request->validate_only() ? Control::Kind::kTrial : Control::Kind::kDurable;
  return Submit(context, caller->ActorOr(request->actor()), kind,
                [this, request, response](const Author& author, Draft& draft) {
                  const auto imposed = ImposeOverride(*request, author, control_.limits(), draft);
                  if (!imposed.ok()) return imposed.status();
                  *response->mutable_override() = ToProto(*imposed, author.now.anchor);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::ClearOverride(grpc::CallbackServerContext* context,
                                                      const v1::ClearOverrideRequest* request,
                                                      v1::ClearOverrideResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kOperator, Scope::Match(request->match()));
  if (!caller.ok()) return Finish(context, caller.status());
  const Control::Kind kind =
      request->validate_only() ? Control::Kind::kTrial : Control::Kind::kDurable;
  return Submit(context, caller->ActorOr(request->actor()), kind,
                [request, response](const Author& author, Draft& draft) {
                  const auto lifted = LiftOverride(*request, author, draft);
                  if (!lifted.ok()) return lifted.status();
                  *response->mutable_override() = ToProto(*lifted, author.now.anchor);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* AdminService::ListOverrides(grpc::CallbackServerContext* context,
                                                      const v1::ListOverridesRequest* request,
                                                      v1::ListOverridesResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
  if (!page_size.ok()) return Finish(context, page_size.status());
  const std::string& token = request->page_token();
  if (!token.empty() && !Glob::Parse(token).ok()) return Finish(context, BadPageToken());

  std::vector<OverrideSet::Shared> all = engine_.overrides()->all();
  std::erase_if(all, [&](const auto& override) {
    return override->match <= token ||
           !caller->MaySome(Role::kReader, *Glob::Parse(override->match));
  });
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a->match < b->match; });
  const bool is_last = all.size() <= *page_size;
  if (!is_last) all.resize(*page_size);
  const WallAnchor now{engine_.Now(), engine_.WallNow()};
  for (const auto& override : all) *response->add_overrides() = ToProto(*override, now);
  if (!is_last) response->set_next_page_token(all.back()->match);
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::ListTransitions(grpc::CallbackServerContext* context,
                                                        const v1::ListTransitionsRequest* request,
                                                        v1::ListTransitionsResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  return Finish(context, ListHistory(*request, *caller, *response));
}

// A page looks at no more than 10,000 events, so that a filter that matches little takes no longer.
absl::Status AdminService::ListHistory(const v1::ListTransitionsRequest& request,
                                       const Caller& caller,
                                       v1::ListTransitionsResponse& response) {
  constexpr size_t kAtATime = 1000, kMaxLooks = 10;
  const absl::StatusOr<HistoryFilter> filter = ReadFilter(request);
  if (!filter.ok()) return filter.status();
  const absl::StatusOr<size_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  uint64_t before = std::numeric_limits<uint64_t>::max();
  const std::string& token = request.page_token();
  if (!token.empty() && !absl::SimpleAtoi(token, &before)) return BadPageToken();

  const WallAnchor now{engine_.Now(), engine_.WallNow()};
  for (size_t looks = 0; looks < kMaxLooks; ++looks) {
    const std::vector<Event> events = engine_.events().Before(before, kAtATime);
    if (events.empty()) return absl::OkStatus();
    for (const Event& event : events) {
      if (static_cast<size_t>(response.transitions_size()) == *page_size) {
        response.set_next_page_token(absl::StrCat(before));
        return absl::OkStatus();
      }
      before = event.transition.number;
      if (!filter->Wants(event, now.At(event.transition.time))) continue;
      if (!MayRead(caller, event)) continue;
      v1::Transition& shown = *response.add_transitions();
      shown = ToProto(event, now);
      HideClients(caller, shown);
    }
  }
  response.set_next_page_token(absl::StrCat(before));
  return absl::OkStatus();
}

}  // namespace fusebox
