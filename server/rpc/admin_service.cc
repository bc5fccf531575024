#include "server/rpc/admin_service.h"

#include <bitset>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/convert.h"
#include "server/control/breaker_changes.h"
#include "server/errors/errors.h"
#include "server/rpc/health_target.h"
#include "server/rpc/list_request.h"
#include "server/rpc/page_token.h"
#include "server/rpc/peer.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/repeat.h"
#include "server/rpc/show.h"
#include "server/rpc/trace.h"

namespace fusebox {
namespace {

// Which states are asked for, by number.
using States = std::bitset<v1::State_ARRAYSIZE>;

absl::StatusOr<States> ReadStates(const v1::ListBreakersRequest& request) {
  States states;
  if (request.states().empty()) states.set();
  for (const int state : request.states()) {
    if (state >= v1::STATE_CLOSED && state <= v1::STATE_HALF_OPEN) {
      states.set(state);
      continue;
    }
    return MakeError(
        absl::StatusCode::kInvalidArgument, "STATE_INVALID",
        absl::StrCat("states has ", state, "; use CLOSED, OPEN and HALF_OPEN, or none for all"),
        "states");
  }
  return states;
}

// Leaves to somebody who may not read everything what says nothing of others: not how much there is
// of theirs, and that something is wrong but not what, which quotes their policies and identities.
void HideOthers(v1::GetServerInfoResponse& info) {
  info.clear_breakers();
  info.clear_watchers();
  info.clear_transitions();
  info.clear_policies();
  info.clear_overrides();
  for (std::string* text : {info.mutable_config_error(), info.mutable_certificate_error(),
                            info.mutable_identities_error(), info.mutable_store_report()}) {
    if (!text->empty()) *text = "see the server's log";
  }
}

}  // namespace

void AdminService::Drain() {
  SetDraining();
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  for (const std::shared_ptr<WatchStream>& watch : LiveWatches()) watch->End(DrainingError());
}

void AdminService::Cut() {
  for (const std::shared_ptr<WatchStream>& watch : LiveWatches()) watch->Cut();
}

void AdminService::RecheckWatches() {
  for (const std::shared_ptr<WatchStream>& watch : LiveWatches()) watch->Recheck();
}

std::vector<std::shared_ptr<WatchStream>> AdminService::LiveWatches() {
  std::vector<std::shared_ptr<WatchStream>> live;
  MutexLock lock(&mutex_);
  for (const std::weak_ptr<WatchStream>& weak : watches_) {
    if (std::shared_ptr<WatchStream> watch = weak.lock()) live.push_back(std::move(watch));
  }
  return live;
}

grpc::ServerUnaryReactor* AdminService::Submit(
    grpc::CallbackServerContext* context, const std::string& actor, Control::Kind kind,
    std::function<absl::Status(const Author&, Draft&)> make) {
  if (const absl::Status checked = CheckActor(actor); !checked.ok()) {
    return Finish(context, checked);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Author author{.actor = PeerClient(actor, context->peer()),
                .now = RecordTime::Now(clock_),
                .trace_id = TraceIdOf(*context)};
  control_.Submit(
      {.make = [make = std::move(make),
                author = std::move(author)](Draft& draft) { return make(author, draft); },
       .done = [reactor](const absl::Status& status) { reactor->Finish(ToGrpcStatus(status)); },
       .kind = kind});
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::GetBreaker(grpc::CallbackServerContext* context,
                                                   const v1::GetBreakerRequest* request,
                                                   v1::GetBreakerResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kReader, Scope::Name(request->name()));
  if (!caller.ok()) return Finish(context, caller.status());
  const absl::StatusOr<BreakerView> view = engine_.Get(request->name());
  if (view.ok()) *response->mutable_breaker() = ShowBreaker(engine_, *view);
  return Finish(context, view.status());
}

grpc::ServerUnaryReactor* AdminService::ListBreakers(grpc::CallbackServerContext* context,
                                                     const v1::ListBreakersRequest* request,
                                                     v1::ListBreakersResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  return Finish(context, List(*request, *caller, *response));
}

absl::Status AdminService::List(const v1::ListBreakersRequest& request, const Caller& caller,
                                v1::ListBreakersResponse& response) {
  const absl::StatusOr<Glob> match = ParseMatch(request.match());
  if (!match.ok()) return match.status();
  const absl::StatusOr<States> states = ReadStates(request);
  if (!states.ok()) return states.status();
  const absl::StatusOr<size_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const absl::StatusOr<Slot> start = OpenPageToken(request.page_token(), engine_.life());
  if (!start.ok()) return start.status();

  Slot cursor = *start;
  // While looking, not after: where a page ends would tell of breakers that are left out.
  const auto may_see = [&](absl::string_view name) { return caller.May(Role::kReader, name); };
  for (const BreakerView& view : engine_.List(*match, *page_size, cursor, may_see)) {
    if (!states->test(ToProto(view.snapshot.state))) continue;
    *response.add_breakers() = ShowBreaker(engine_, view);
  }
  if (!engine_.IsListed(cursor)) {
    response.set_next_page_token(MakePageToken(cursor, engine_.life()));
  }
  return absl::OkStatus();
}

grpc::ServerWriteReactor<v1::WatchBreakersResponse>* AdminService::WatchBreakers(
    grpc::CallbackServerContext* context, const v1::WatchBreakersRequest* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<v1::WatchBreakersResponse>>;
  absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return new Refused(caller.status());
  absl::StatusOr<Glob> match = ParseMatch(request->match());
  if (!match.ok()) return new Refused(match.status());
  {
    MutexLock lock(&mutex_);
    if (closed_) return new Refused(DrainingError());
  }
  const std::shared_ptr<WatchStream> stream =
      WatchStream::Start(engine_, *std::move(match), request->resume_token(), context,
                         Sight(authorizer_, *std::move(caller)));
  bool too_late = false;
  {
    MutexLock lock(&mutex_);
    std::erase_if(watches_, [](const std::weak_ptr<WatchStream>& w) { return w.expired(); });
    watches_.push_back(stream);
    too_late = closed_;
  }
  if (too_late) stream->End(DrainingError());
  return stream.get();
}

grpc::ServerUnaryReactor* AdminService::GetHealth(grpc::CallbackServerContext* context,
                                                  const v1::GetHealthRequest* request,
                                                  v1::GetHealthResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const absl::Status prefix = CheckBreakerPrefix(request->prefix());
  if (!prefix.ok()) return Finish(context, prefix);
  HealthTarget target = {.kind = HealthTarget::Kind::kPrefix, .name = request->prefix()};
  HealthViewer viewer = ViewerOf(*caller, target);
  return AnswerWhenDone(context,
                        [this, response, target = std::move(target),
                         viewer = std::move(viewer)]() -> std::optional<absl::Status> {
                          const absl::StatusOr<std::shared_ptr<const HealthReport>> report =
                              engine_.HealthOf(target.name, viewer);
                          if (!report.ok()) return report.status();
                          if (*report == nullptr) return std::nullopt;
                          const HealthRollup& rollup = (*report)->rollup;
                          if (!rollup.health().has_value()) return NoSuchTarget(target, "prefix");
                          *response = ShowHealth(rollup);
                          return absl::OkStatus();
                        });
}

grpc::ServerUnaryReactor* AdminService::GetServerInfo(grpc::CallbackServerContext* context,
                                                      const v1::GetServerInfoRequest*,
                                                      v1::GetServerInfoResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  response->set_version(version_);
  response->set_life(engine_.life());
  *response->mutable_uptime() = ToProto(engine_.Uptime());
  response->set_breakers(engine_.breakers());
  response->set_max_breakers(engine_.max_breakers());
  response->set_watchers(engine_.watchers());
  response->set_transitions(engine_.transitions());
  response->set_policies(static_cast<uint32_t>(engine_.policies()));
  response->set_draining(draining_);
  response->set_overrides(static_cast<uint32_t>(engine_.overrides()->all().size()));
  add_info_(*response);
  if (!caller->MayAll(Role::kReader, Glob::All())) HideOthers(*response);
  return Finish(context, absl::OkStatus());
}

}  // namespace fusebox
