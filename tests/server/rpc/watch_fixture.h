// Following breakers, as a client does.
#ifndef FUSEBOX_TESTS_SERVER_RPC_WATCH_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_RPC_WATCH_FIXTURE_H_

#include <memory>
#include <set>
#include <string>

#include "server/rpc/rpc_fixture.h"

namespace fusebox {

// One watch, as a client holds it.
class Watcher {
 public:
  Watcher(v1::AdminService::Stub& admin, const std::string& match, const std::string& token = "") {
    // By the time that a test takes to fail, not to pass.
    context_.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(120, GPR_TIMESPAN)));
    v1::WatchBreakersRequest request;
    request.set_match(match);
    request.set_resume_token(token);
    reader_ = admin.WatchBreakers(&context_, request);
  }
  ~Watcher() {
    if (!finished_) {
      context_.TryCancel();
      Finish();
    }
  }

  // Waits for the next step; nothing is set when the watch is over.
  v1::WatchBreakersResponse Next() {
    v1::WatchBreakersResponse response;
    if (!reader_->Read(&response)) response.Clear();
    if (!response.resume_token().empty()) token_ = response.resume_token();
    return response;
  }
  // The last that it was given.
  const std::string& token() const { return token_; }
  // The names of the snapshot, up to and with its mark.
  std::set<std::string> Sync() {
    std::set<std::string> names;
    while (true) {
      const v1::WatchBreakersResponse step = Next();
      if (!step.has_breaker()) {
        EXPECT_TRUE(step.has_synced());
        return names;
      }
      EXPECT_TRUE(names.insert(step.breaker().name()).second) << step.breaker().name();
    }
  }
  // Reads up to the end: gRPC gives no status before.
  grpc::Status Finish() {
    v1::WatchBreakersResponse unread;
    while (reader_->Read(&unread)) {
    }
    finished_ = true;
    return reader_->Finish();
  }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchBreakersResponse>> reader_;
  std::string token_;
  bool finished_ = false;
};

class WatchBreakersTest : public RpcTest {
 protected:
  explicit WatchBreakersTest(const EngineOptions& options = {.idle_ttl = absl::Minutes(10)})
      : RpcTest(options) {}

  std::unique_ptr<Watcher> Watch(const std::string& match = "", const std::string& token = "") {
    return std::make_unique<Watcher>(*admin_, match, token);
  }

  // Until the server knows that a watch is over; each look is a round trip.
  void WaitForWatchers(uint64_t watchers) {
    for (int looks = 0; looks < 100'000; ++looks) {
      if (Info().watchers() == watchers) return;
    }
    FAIL() << "still " << Info().watchers() << " watchers";
  }

  static void ExpectDraining(const grpc::Status& status) {
    const RpcError error = ErrorOf(status);
    EXPECT_EQ(error.code, grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(error.reason, "DRAINING");
    EXPECT_EQ(error.domain, "fusebox");
    EXPECT_TRUE(error.may_retry);
  }
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_RPC_WATCH_FIXTURE_H_
