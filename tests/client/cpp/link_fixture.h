#ifndef FUSEBOX_CLIENT_CPP_LINK_FIXTURE_H_
#define FUSEBOX_CLIENT_CPP_LINK_FIXTURE_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/cpp/link/session_link.h"
#include "client/cpp/local/numbers.h"
#include "fusebox/breaker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/session/sessions.h"
#include "testing/fake_clock.h"

namespace fusebox::internal {

// The time of the server, as a client's.
class SameClock : public ClientClock {
 public:
  explicit SameClock(const FakeClock& clock) : clock_(clock) {}
  int64_t NowNanos() const override { return clock_.Now().nanos(); }

 private:
  const FakeClock& clock_;
};

// One life of a server, without streams.
class FakeServer {
 public:
  FakeServer(const FakeClock& clock, uint64_t life, const std::vector<Policy>& policies)
      : engine_({}, clock, life) {
    EXPECT_TRUE(engine_.SetPolicies(policies, {}).ok());
    sessions_.Start();
  }
  ~FakeServer() { sessions_.Stop(); }

  Engine& engine() { return engine_; }
  Sessions& sessions() { return sessions_; }
  Snapshot Look(absl::string_view breaker) {
    const absl::StatusOr<BreakerView> view = engine_.Get(breaker);
    return view.ok() ? view->snapshot : Snapshot{};
  }

 private:
  Engine engine_;
  Sessions sessions_{engine_, {}};
};

// A client, and the stream between it and a server: two queues.
class FakeClient {
 public:
  FakeClient(const FakeClock& clock, const std::string& name)
      : clock_(clock), name_(name), link_({IdOf(name), name, "test/1"}, clock_) {}

  Breaker Add(const std::string& name) {
    auto& breaker = breakers_[name];
    breaker = std::make_shared<LocalBreaker>(
        name, std::make_shared<const RulingPolicy>(Policy()),
        LocalBreaker::Surroundings{.clock = clock_, .stopwatch = stopwatch_, .numbers = numbers_});
    link_.Add(breaker);
    return Breaker(*breaker);
  }
  LocalBreaker& breaker(const std::string& name) { return *breakers_.at(name); }
  SessionLink& link() { return link_; }

  // A stream begins. False if the server refuses it.
  bool Connect(FakeServer& server) {
    server_ = &server;
    auto begun = server.sessions().Begin(
        link_.Begin().hello(), "",
        {.client = name_, .check = [](absl::string_view) { return absl::OkStatus(); }},
        {.wake = [] {}, .end = [](const absl::Status&) {}, .recheck = [] {}});
    if (!begun.ok()) return false;
    begun_ = *std::move(begun);
    return true;
  }
  // It is cut; what is under way is lost.
  void Cut() {
    if (begun_.has_value()) server_->sessions().Close(*begun_);
    begun_.reset();
    to_server_.clear();
    to_client_.clear();
    link_.Cut();
  }
  bool IsConnected() const { return begun_.has_value(); }

  // What the one has to say goes on its way, and one thing arrives. False if there was none.
  bool Speak() {
    auto request = link_.Say();
    if (!request.has_value()) return false;
    to_server_.push_back(*std::move(request));
    return true;
  }
  bool Answer() {
    auto response = begun_->session->Say();
    if (!response.has_value()) return false;
    to_client_.push_back(*std::move(response));
    return true;
  }
  bool Arrive() {
    if (to_server_.empty()) return false;
    EXPECT_EQ(begun_->session->Take(to_server_.front()), absl::OkStatus());
    to_server_.pop_front();
    return true;
  }
  bool Hear() {
    if (to_client_.empty()) return false;
    EXPECT_EQ(link_.Take(to_client_.front()), absl::OkStatus());
    to_client_.pop_front();
    return true;
  }
  // Until nobody has anything to say any more.
  void Talk() {
    while (Speak() || Arrive() || Answer() || Hear()) link_.Advance();
  }

 private:
  static std::string IdOf(const std::string& name) { return absl::StrFormat("%-16s", name); }

  const SameClock clock_;
  const std::string name_;
  const Stopwatch stopwatch_{clock_};
  Numbers numbers_{7};
  SessionLink link_;
  std::map<std::string, std::shared_ptr<LocalBreaker>> breakers_;

  FakeServer* server_ = nullptr;
  std::optional<Sessions::Begun> begun_;
  std::deque<v1::SessionRequest> to_server_;
  std::deque<v1::SessionResponse> to_client_;
};

// Clients of one server, in a time that stands still.
class LinkTest : public ::testing::Test {
 protected:
  void Pass(absl::Duration duration) {
    clock_.Advance(duration);
    server_->engine().Maintain();
  }
  // Another life of the server, that knows nothing.
  void Restart() {
    policies_ = NextPolicies();
    server_ = std::make_unique<FakeServer>(clock_, ++life_, policies_);
  }
  virtual std::vector<Policy> NextPolicies() { return policies_; }
  // Passes the time in which clients report, until this is so.
  template <typename Done>
  void Until(const std::vector<FakeClient*>& clients, const Done& done) {
    for (int i = 0; i < 10'000 && !done(); ++i) {
      Pass(absl::Milliseconds(10));
      for (FakeClient* client : clients) client->Talk();
      std::this_thread::yield();
    }
    EXPECT_TRUE(done());
  }

  static bool Call(const Breaker& breaker, Outcome outcome = Outcome::kSuccess) {
    Breaker::Permit permit = breaker.Allow();
    permit.Record(outcome);
    return permit.allowed();
  }

  FakeClock clock_;
  uint64_t life_ = 1'000'000;
  std::vector<Policy> policies_{Policy()};
  std::unique_ptr<FakeServer> server_ = std::make_unique<FakeServer>(clock_, life_, policies_);
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LINK_FIXTURE_H_
