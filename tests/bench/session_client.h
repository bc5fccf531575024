#ifndef FUSEBOX_TESTS_BENCH_SESSION_CLIENT_H_
#define FUSEBOX_TESTS_BENCH_SESSION_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "server/engine/engine.h"

namespace fusebox {

constexpr uint32_t kSubscriptions = 20;
constexpr char kTripped[] = "bench/tripped";

// Opens a breaker that sessions follow, and closes it, in turns.
class Toggle {
 public:
  explicit Toggle(Engine& engine) : engine_(engine) {}

  void operator()() {
    const Ending failures{.result = Result::Of(Outcome::kFailure), .calls = 5};
    const bool done = std::exchange(open_, !open_) ? engine_.Reset(kTripped, {}).ok()
                                                   : engine_.Record(kTripped, "", failures).ok();
    if (!done) std::abort();
  }
  // It is not to be left so: after a while it changes by itself.
  bool is_open() const { return open_; }

 private:
  Engine& engine_;
  bool open_ = false;
};

// Counts how many clients have heard what all are to hear.
class Heard {
 public:
  void Expect(int clients) { waiting_ = std::make_unique<absl::BlockingCounter>(clients); }
  void Note() { waiting_->DecrementCount(); }
  void Await() { waiting_->Wait(); }

 private:
  std::unique_ptr<absl::BlockingCounter> waiting_;
};

// A client's end of a session, which follows some breakers and listens for one of them.
class SessionClient final
    : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  // `hears` is called with each change of that one, and when it is first known; one that never
  // reads hears nothing.
  SessionClient(const std::shared_ptr<grpc::Channel>& channel, int number,
                std::function<void()> hears, bool reads = true)
      : stub_(v1::BreakerService::NewStub(channel)), hears_(std::move(hears)) {
    hello_.mutable_hello()->set_session_id(absl::StrCat(1'000'000'000'000'000 + number));
    for (uint32_t handle = 1; handle <= kSubscriptions; ++handle) {
      v1::Subscription& subscription = *subscribe_.add_subscribe();
      subscription.set_handle(handle);
      subscription.set_breaker(handle == 1 ? kTripped : absl::StrCat("bench/", handle));
    }
    stub_->async()->Session(&context_, this);
    StartWrite(&hello_);
    if (reads) StartRead(&response_);
    StartCall();
  }
  void OnWriteDone(bool ok) override {
    if (ok && hello_.has_hello()) {
      hello_.Clear();
      StartWrite(&subscribe_);
    } else {
      v1::SessionRequest().Swap(&subscribe_);
    }
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    for (const v1::BreakerState& state : response_.states()) {
      if (state.handle() != 1 || state.state() == known_) continue;
      known_ = state.state();
      hears_();
    }
    v1::SessionResponse().Swap(&response_);  // Only what the server keeps is to be measured.
    StartRead(&response_);
  }
  void OnDone(const grpc::Status&) override { done_.DecrementCount(); }
  void Cut() {
    context_.TryCancel();
    done_.Wait();
  }

 private:
  const std::unique_ptr<v1::BreakerService::Stub> stub_;
  const std::function<void()> hears_;
  grpc::ClientContext context_;
  v1::SessionRequest hello_, subscribe_;
  v1::SessionResponse response_;
  v1::State known_ = v1::STATE_UNSPECIFIED;
  absl::BlockingCounter done_{1};
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_BENCH_SESSION_CLIENT_H_
