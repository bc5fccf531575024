#ifndef FUSEBOX_CLIENT_CPP_CONNECTION_SESSION_STREAM_H_
#define FUSEBOX_CLIENT_CPP_CONNECTION_SESSION_STREAM_H_

#include <functional>
#include <memory>

#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"

namespace fusebox::internal {

// One stream of a session, to be used by one thread; what it hears comes from threads of gRPC.
//
//   stream = SessionStream::Start(stub, {...});
//   stream->Write(request);      // after `writable`, and at first
//   stream->End();               // once, whatever happened; then `ended`, the last that is heard
class SessionStream final
    : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  struct Events {
    std::function<void(const v1::SessionResponse&)> read;
    std::function<void()> writable;
    // Nothing more is to be read: the stream is to be ended.
    std::function<void()> broken;
    // `why` is the server's reason, or the connection's.
    std::function<void(const grpc::Status& why)> ended;
  };

  static std::shared_ptr<SessionStream> Start(v1::BreakerService::Stub& stub, Events events);

  void Write(v1::SessionRequest request);
  void End();

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  explicit SessionStream(Events events) : events_(std::move(events)) {}

  const Events events_;
  grpc::ClientContext context_;
  v1::SessionRequest request_;
  v1::SessionResponse response_;
  std::shared_ptr<SessionStream> self_;  // Until gRPC is done with it.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CONNECTION_SESSION_STREAM_H_
