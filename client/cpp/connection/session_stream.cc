#include "client/cpp/connection/session_stream.h"

#include <utility>

namespace fusebox::internal {

std::shared_ptr<SessionStream> SessionStream::Start(v1::BreakerService::Stub& stub, Events events) {
  std::shared_ptr<SessionStream> stream(new SessionStream(std::move(events)));
  stream->self_ = stream;
  stub.async()->Session(&stream->context_, stream.get());
  // Writes come from outside: gRPC is not to be done before End().
  stream->AddHold();
  stream->StartRead(&stream->response_);
  stream->StartCall();
  return stream;
}

void SessionStream::Write(v1::SessionRequest request) {
  request_ = std::move(request);
  StartWrite(&request_);
}

void SessionStream::End() {
  context_.TryCancel();
  RemoveHold();
}

void SessionStream::OnReadDone(bool ok) {
  if (!ok) return events_.broken();
  events_.read(response_);
  StartRead(&response_);
}

void SessionStream::OnWriteDone(bool ok) {
  if (ok) events_.writable();
}

void SessionStream::OnDone(const grpc::Status& status) {
  const std::function<void(const grpc::Status&)> ended = events_.ended;
  self_.reset();  // Perhaps the last: whoever is told that it has ended may let go of all else.
  ended(status);
}

}  // namespace fusebox::internal
