#include "client/cli/follow.h"

#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {

grpc::Status Follow(Connection& server, const std::string& match, absl::Duration limit,
                    const std::function<bool(const v1::WatchBreakersResponse&)>& take) {
  v1::WatchBreakersRequest request;
  request.set_match(match);
  grpc::ClientContext context;
  if (grpc::Status bad = server.BeginStream(context, limit); !bad.ok()) return bad;
  v1::AdminService::Stub stub(server.channel());
  const auto stream = stub.WatchBreakers(&context, request);
  v1::WatchBreakersResponse event;
  bool enough = false;
  while (!enough && stream->Read(&event)) enough = !take(event);
  if (enough) context.TryCancel();
  const grpc::Status end = stream->Finish();
  if (enough) return grpc::Status::OK;
  if (!end.ok()) return end;
  return {grpc::StatusCode::UNAVAILABLE, "the server ended the watch"};
}

}  // namespace fusebox::cli
