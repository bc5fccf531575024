#ifndef FUSEBOX_TESTS_SERVER_SESSION_SESSION_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_SESSION_SESSION_FIXTURE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/engine/engine_fixture.h"
#include "server/session/session.h"
#include "server/session/topics.h"

namespace fusebox {

// One client's end of a session: says what it is told to, and keeps what it hears.
class FakeClient {
 public:
  FakeClient(Engine& engine, Topics& topics, SessionCounts& counts, SessionBook& book,
             const std::string& name = "client", size_t max_subscriptions = 100)
      : session_(std::make_shared<Session>(
            engine, topics, counts, max_subscriptions,
            *book.Open(name, "", /*resume=*/true, engine.Now()),
            Session::Peer{.client = name,
                          .check = [this](absl::string_view breaker) { return Check(breaker); }},
            [this] { ++wakes_; })) {}
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;

  absl::Status Say(const v1::SessionRequest& request) { return session_->Take(request); }
  absl::Status Subscribe(uint32_t handle, absl::string_view breaker) {
    v1::SessionRequest request;
    v1::Subscription& subscription = *request.add_subscribe();
    subscription.set_handle(handle);
    subscription.set_breaker(std::string(breaker));
    return Say(request);
  }
  // With the next sequence.
  absl::Status Report(v1::Report report) {
    v1::SessionRequest request;
    report.set_sequence(++sequence_);
    *request.mutable_report() = std::move(report);
    return Say(request);
  }
  absl::Status Report(v1::Tally tally) {
    v1::Report report;
    *report.add_tallies() = std::move(tally);
    return Report(std::move(report));
  }

  // All that there is to hear, as one message.
  v1::SessionResponse Hear() {
    v1::SessionResponse heard;
    while (std::optional<v1::SessionResponse> next = session_->Say()) {
      heard.MergeFrom(*next);
      ++messages_;
    }
    for (const v1::BreakerState& state : heard.states()) known_[state.handle()] = state;
    return heard;
  }

  // What it was told last.
  const v1::BreakerState& known(uint32_t handle) { return known_[handle]; }
  int wakes() const { return wakes_; }
  int messages() const { return messages_; }
  Session& session() { return *session_; }
  // From now on it may not use this breaker.
  void Forbid(absl::string_view breaker) { forbidden_ = std::string(breaker); }

 private:
  absl::Status Check(absl::string_view breaker) const {
    if (breaker != forbidden_) return absl::OkStatus();
    return MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", "not yours");
  }

  std::string forbidden_;
  int wakes_ = 0, messages_ = 0;
  uint64_t sequence_ = 0;
  std::map<uint32_t, v1::BreakerState> known_;
  std::shared_ptr<Session> session_;
};

// Sessions on an engine, told of its changes when the test says so.
class SessionTest : public EngineTest {
 protected:
  explicit SessionTest(const EngineOptions& options = {}) : EngineTest(options) {}

  FakeClient Client(const std::string& name = "client", size_t max_subscriptions = 100) {
    return FakeClient(engine_, topics_, counts_, book_, name, max_subscriptions);
  }

  // Tells all sessions what has changed.
  void Deliver() {
    engine_.Maintain();
    while (true) {
      const absl::StatusOr<ChangedNames::Next> next = changed_->Take();
      ASSERT_TRUE(next.ok()) << next.status();
      if (next->name.empty() && !next->look_on) break;
      topics_.Publish(next->name);
    }
    topics_.TellPending();
  }

  SessionCounts counts_;
  Topics topics_{[] {}};
  SessionBook book_{/*max_sessions=*/100, /*resume_time=*/absl::Minutes(1)};
  std::shared_ptr<ChangedNames> changed_ = engine_.WatchAll([] {});
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_SESSION_SESSION_FIXTURE_H_
