#include "server/rpc/breaker_service.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/convert.h"
#include "server/errors/errors.h"
#include "server/rpc/peer.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/session_stream.h"
#include "server/rpc/trace.h"
#include "server/rpc/waiting_allow.h"

namespace fusebox {
namespace {

absl::Status BadBatch(absl::string_view reason, absl::string_view field,
                      absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message, field);
}

absl::Duration TimeLeft(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteDuration();
  return absl::FromChrono(deadline - std::chrono::system_clock::now());
}

absl::Status TooManyFallbacks(const v1::AllowRequest& request) {
  return MakeError(absl::StatusCode::kInvalidArgument, "TOO_MANY_FALLBACKS",
                   absl::StrCat("fallbacks has ", request.fallbacks_size(),
                                " breakers; name at most ", BreakerService::kMaxFallbacks),
                   "fallbacks");
}

// Items with a permit protect themselves against being counted twice; counts need the batch's id.
bool NeedsId(const v1::BatchRecordRequest& request) {
  return std::any_of(
      request.items().begin(), request.items().end(),
      [](const v1::BatchRecordItem& item) { return item.epoch() != 0 || item.count() != 0; });
}

absl::Status CheckBatch(const v1::BatchRecordRequest& request) {
  constexpr size_t kMinId = 16, kMaxId = 64;
  if (request.items_size() > BreakerService::kMaxBatchItems) {
    return BadBatch("BATCH_TOO_LARGE", "items",
                    absl::StrCat("the batch has ", request.items_size(), " items; send at most ",
                                 BreakerService::kMaxBatchItems, " at once"));
  }
  const size_t id_size = request.batch_id().size();
  if (id_size == 0 && NeedsId(request)) {
    return BadBatch("BATCH_ID_MISSING", "batch_id",
                    "batch_id is empty though an item has an epoch or a count; set it to 16 to 64 "
                    "random bytes, and send the same again when retrying");
  }
  if (id_size != 0 && (id_size < kMinId || id_size > kMaxId)) {
    return BadBatch("BATCH_ID_INVALID", "batch_id",
                    absl::StrCat("batch_id is ", id_size, " bytes long; use ", kMinId, " to ",
                                 kMaxId, " random bytes"));
  }
  return CheckClientName(request.client());
}

// Whether the client may be called so, whatever its address.
absl::Status CheckClaim(absl::string_view claimed, const Caller& caller) {
  if (caller.name().empty()) return CheckClientName(claimed);
  return CheckClientName(PeerClient(claimed, /*peer=*/"", caller.name()));
}

}  // namespace

grpc::ServerUnaryReactor* BreakerService::Allow(grpc::CallbackServerContext* context,
                                                const v1::AllowRequest* request,
                                                v1::AllowResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kCaller, Scope::Name(request->breaker()));
  if (!caller.ok()) return Finish(context, caller.status());
  const absl::StatusOr<Question> question = FromProto(*request);
  if (!question.ok()) return Finish(context, question.status());
  if (const absl::Status claim = CheckClaim(request->client(), *caller); !claim.ok()) {
    return Finish(context, claim);
  }
  const auto client = [&] {
    return PeerClient(request->client(), context->peer(), caller->name());
  };
  if (request->fallbacks_size() > 0 || request->has_max_wait()) {
    return AllowOneOf(*context, *request, *question, client(), *caller, *response);
  }
  const absl::StatusOr<AllowAnswer> answer = engine_.Allow(request->breaker(), *question, client);
  if (answer.ok()) ShowAnswer(*answer, {request->breaker()}, *response);
  return Finish(context, answer.status());
}

grpc::ServerUnaryReactor* BreakerService::AllowOneOf(grpc::CallbackServerContext& context,
                                                     const v1::AllowRequest& request,
                                                     const Question& question,
                                                     absl::string_view client, const Caller& caller,
                                                     v1::AllowResponse& response) {
  const absl::StatusOr<absl::Duration> max_wait = MaxWaitOf(request);
  if (!max_wait.ok()) return Finish(&context, max_wait.status());
  if (request.fallbacks_size() > kMaxFallbacks) return Finish(&context, TooManyFallbacks(request));
  std::vector<absl::string_view> breakers = {request.breaker()};
  for (const std::string& fallback : request.fallbacks()) {
    const absl::Status allowed = caller.Check(Role::kCaller, Scope::Name(fallback), "Allow");
    if (!allowed.ok()) return Finish(&context, allowed);
    breakers.emplace_back(fallback);
  }
  const absl::Duration patience = PatienceOf(TimeLeft(context), *max_wait);
  if (patience <= absl::ZeroDuration()) {
    const absl::StatusOr<AllowAnswer> answer = engine_.AllowAny(breakers, question, client);
    if (answer.ok()) ShowAnswer(*answer, breakers, response);
    return Finish(&context, answer.status());
  }
  auto* const waiting = new WaitingAllow(engine_, context, std::move(breakers), response);
  waiting->Start(question, client, patience);
  return waiting;
}

grpc::ServerUnaryReactor* BreakerService::Record(grpc::CallbackServerContext* context,
                                                 const v1::RecordRequest* request,
                                                 v1::RecordResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kCaller, Scope::Name(request->breaker()));
  if (!caller.ok()) return Finish(context, caller.status());
  absl::StatusOr<Ending> ending = FromProto(*request);
  if (!ending.ok()) return Finish(context, ending.status());
  const std::string client = PeerClient(request->client(), context->peer(), caller->name());
  ending->client = client;
  const absl::StatusOr<Verdict> verdict =
      engine_.Record(request->breaker(), request->permit(), *std::move(ending),
                     [context] { return TraceIdOf(*context); });
  if (verdict.ok()) *response = ToProto(*verdict);
  return Finish(context, verdict.status());
}

grpc::ServerUnaryReactor* BreakerService::BatchRecord(grpc::CallbackServerContext* context,
                                                      const v1::BatchRecordRequest* request,
                                                      v1::BatchRecordResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kCaller, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const std::string client = PeerClient(request->client(), context->peer(), caller->name());
  return Finish(context, RecordBatch(*request, client, *caller, *response));
}

grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* BreakerService::Session(
    grpc::CallbackServerContext* context) {
  using Reactor = grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>;
  absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kCaller, Scope::Some());
  if (!caller.ok()) return new RefusedStream<Reactor>(caller.status());
  return SessionStream::Start(sessions_, authorizer_, *std::move(caller), context);
}

struct BreakerService::Repetition {
  // Breakers that did not exist when the repetition came to them. Nothing that this batch says of
  // them was counted: there was no room for them, or what had counted was forgotten with them.
  absl::flat_hash_set<absl::string_view> not_counted;
};

absl::Status BreakerService::RecordBatch(const v1::BatchRecordRequest& request,
                                         absl::string_view client, const Caller& caller,
                                         v1::BatchRecordResponse& response) {
  if (const absl::Status checked = CheckBatch(request); !checked.ok()) return checked;
  std::optional<Repetition> repetition;
  if (!request.batch_id().empty()) {
    const absl::StatusOr<bool> is_new = engine_.RememberBatch(request.batch_id());
    if (!is_new.ok()) return is_new.status();
    if (!*is_new) repetition.emplace();
  }
  for (const v1::BatchRecordItem& item : request.items()) {
    const absl::Status allowed =
        caller.Check(Role::kCaller, Scope::Name(item.breaker()), "BatchRecord");
    const absl::StatusOr<Verdict> verdict =
        allowed.ok() ? RecordItem(item, client, repetition.has_value() ? &*repetition : nullptr)
                     : allowed;
    v1::BatchRecordResult& result = *response.add_results();
    if (verdict.ok()) {
      *result.mutable_response() = ToProto(*verdict);
    } else {
      *result.mutable_error() = ToItemStatus(verdict.status());
    }
  }
  if (!request.batch_id().empty()) engine_.FinishBatch(request.batch_id());
  return absl::OkStatus();
}

absl::StatusOr<Verdict> BreakerService::RecordItem(const v1::BatchRecordItem& item,
                                                   absl::string_view client,
                                                   Repetition* repetition) {
  absl::StatusOr<Ending> ending = FromProto(item);
  if (!ending.ok()) return ending.status();
  ending->client = client;
  if (repetition != nullptr && item.permit().empty() &&
      !repetition->not_counted.contains(item.breaker())) {
    if (const auto counted = engine_.RepeatObservation(item.breaker(), ending->result)) {
      return *counted;
    }
    repetition->not_counted.insert(item.breaker());
  }
  return engine_.Record(item.breaker(), item.permit(), *std::move(ending));
}

}  // namespace fusebox
