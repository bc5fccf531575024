#include "server/rpc/breaker_service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/convert.h"
#include "server/rpc/errors.h"
#include "server/rpc/peer.h"

namespace fusebox {
namespace {

absl::Status BadBatch(absl::string_view reason, absl::string_view field,
                      absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message, field);
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
                    "random letters and digits, and send the same again when retrying");
  }
  if (id_size != 0 && (id_size < kMinId || id_size > kMaxId)) {
    return BadBatch("BATCH_ID_INVALID", "batch_id",
                    absl::StrCat("batch_id is ", id_size, " bytes long; use ", kMinId, " to ",
                                 kMaxId, " random letters and digits"));
  }
  return CheckClientName(request.client());
}

}  // namespace

grpc::ServerUnaryReactor* BreakerService::Allow(grpc::CallbackServerContext* context,
                                                const v1::AllowRequest* request,
                                                v1::AllowResponse* response) {
  const absl::StatusOr<AllowAnswer> answer =
      engine_.Allow(request->breaker(), request->attempt(), request->client());
  if (answer.ok()) {
    *response = ToProto(answer->decision);
    response->set_breaker(request->breaker());
    if (answer->decision.allowed) response->set_permit(answer->permit.bytes().data(), answer->permit.bytes().size());
  }
  return Finish(context, answer.status());
}

grpc::ServerUnaryReactor* BreakerService::Record(grpc::CallbackServerContext* context,
                                                 const v1::RecordRequest* request,
                                                 v1::RecordResponse* response) {
  absl::StatusOr<Ending> ending = FromProto(*request);
  if (!ending.ok()) return Finish(context, ending.status());
  const std::string client = PeerClient(request->client(), context->peer());
  ending->client = client;
  const absl::StatusOr<Verdict> verdict =
      engine_.Record(request->breaker(), request->permit(), *std::move(ending));
  if (verdict.ok()) *response = ToProto(*verdict);
  return Finish(context, verdict.status());
}

grpc::ServerUnaryReactor* BreakerService::BatchRecord(grpc::CallbackServerContext* context,
                                                      const v1::BatchRecordRequest* request,
                                                      v1::BatchRecordResponse* response) {
  const std::string client = PeerClient(request->client(), context->peer());
  return Finish(context, RecordBatch(*request, client, *response));
}

absl::Status BreakerService::RecordBatch(const v1::BatchRecordRequest& request,
                                         absl::string_view client,
                                         v1::BatchRecordResponse& response) {
  if (const absl::Status checked = CheckBatch(request); !checked.ok()) return checked;
  bool is_new = true;
  if (!request.batch_id().empty()) {
    const absl::StatusOr<bool> remembered = engine_.RememberBatch(request.batch_id());
    if (!remembered.ok()) return remembered.status();
    is_new = *remembered;
  }
  for (const v1::BatchRecordItem& item : request.items()) {
    absl::StatusOr<v1::RecordResponse> recorded = RecordItem(item, client, is_new);
    v1::BatchRecordResult& result = *response.add_results();
    if (recorded.ok()) {
      *result.mutable_response() = *std::move(recorded);
    } else {
      *result.mutable_error() = ToRpcStatus(recorded.status());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::RecordResponse> BreakerService::RecordItem(const v1::BatchRecordItem& item,
                                                              absl::string_view client,
                                                              bool batch_is_new) {
  absl::StatusOr<Ending> ending = FromProto(item);
  if (!ending.ok()) return ending.status();
  ending->client = client;
  if (!batch_is_new && item.permit().empty()) {
    // What was refused the first time is refused again.
    if (const absl::Status name = CheckBreakerName(item.breaker()); !name.ok()) return name;
    v1::RecordResponse repeated;
    repeated.set_counted(v1::COUNTED_REPEATED);
    return repeated;
  }
  const absl::StatusOr<Verdict> verdict =
      engine_.Record(item.breaker(), item.permit(), *std::move(ending));
  if (!verdict.ok()) return verdict.status();
  return ToProto(*verdict);
}

}  // namespace fusebox
