// Sessions that come, go and take each other's places while everything changes. To be run under
// ThreadSanitizer.
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/engine/engine_fixture.h"
#include "server/session/sessions.h"

namespace fusebox {
namespace {

constexpr int kClients = 4;
constexpr int kStreams = 200;  // Of each client, one after the other.
constexpr int kReports = 10;   // Of each stream.
constexpr uint32_t kBreakers = 8;

std::string NameOf(uint32_t handle) { return absl::StrCat("db/", handle); }

// What of one client was applied is counted in breakers of its own; what all follow changes all the
// time.
class SessionsRaceTest : public EngineTest {
 protected:
  // One client: reports one call of its own breaker with each report, some of them twice, over
  // streams that are replaced while they are in use.
  void Run(int client) {
    std::mt19937 random(client);
    std::string life;
    uint64_t applied = 0, sent = 0;
    std::optional<Sessions::Begun> last;
    for (int stream = 0; stream < kStreams; ++stream) {
      const absl::StatusOr<Sessions::Begun> begun = Begin(client, life);
      ASSERT_TRUE(begun.ok()) << begun.status();
      // The one before is closed only now, as when a break is noticed late.
      if (last.has_value()) sessions_.Close(*last);
      const v1::Welcome welcome = begun->session->Say()->welcome();
      ASSERT_EQ(welcome.resumed(), stream > 0);
      life = welcome.server_life();
      applied = welcome.applied_sequence();
      Follow(*begun->session, client);
      for (int i = 0; i < kReports; ++i) {
        if (random() % 4 != 0 || applied == 0) ++applied;  // Or the last one again.
        sent = std::max(sent, applied);
        ASSERT_TRUE(begun->session->Take(Report(applied)).ok());
        while (begun->session->Say().has_value()) {
        }
      }
      last = *begun;
    }
    sessions_.Close(*last);
    EXPECT_EQ(Look(OwnOf(client)).totals.calls, sent);
  }

  static std::string OwnOf(int client) { return absl::StrCat("own/", client); }

  absl::StatusOr<Sessions::Begun> Begin(int client, const std::string& life) {
    v1::Hello hello;
    hello.set_session_id(absl::StrCat(1'000'000'000'000'000 + client));
    hello.set_server_life(life);
    return sessions_.Begin(
        hello, "",
        {.client = absl::StrCat("client-", client),
         .check = [](absl::string_view) { return absl::OkStatus(); }},
        {.wake = [this] { ++wakes_; }, .end = [](const absl::Status&) {}, .recheck = [] {}});
  }

  static void Follow(Session& session, int client) {
    v1::SessionRequest request;
    for (uint32_t handle = 1; handle <= kBreakers; ++handle) {
      request.add_subscribe()->set_handle(handle);
      request.mutable_subscribe(static_cast<int>(handle) - 1)->set_breaker(NameOf(handle));
    }
    request.add_subscribe()->set_handle(kBreakers + 1);
    request.mutable_subscribe(kBreakers)->set_breaker(OwnOf(client));
    ASSERT_TRUE(session.Take(request).ok());
  }

  static v1::SessionRequest Report(uint64_t sequence) {
    v1::SessionRequest request;
    request.mutable_report()->set_sequence(sequence);
    v1::Tally& tally = *request.mutable_report()->add_tallies();
    tally.set_handle(kBreakers + 1);
    tally.set_epoch(1);  // Late, which counts in the totals.
    tally.set_failures(1);
    return request;
  }

  void ChangeAll() {
    std::mt19937 random(99);
    while (!done_) {
      const std::string name = NameOf(1 + random() % kBreakers);
      const Ending failure{.result = Result::Of(Outcome::kFailure), .calls = 5};
      mistakes_ += !engine_.Record(name, "", failure).ok();
      if (random() % 2 == 0) engine_.Reset(name, {}).IgnoreError();
      if (random() % 8 == 0) engine_.Forget(name, {}).IgnoreError();
      engine_.Maintain();
    }
  }

  std::atomic<bool> done_{false};
  std::atomic<int> mistakes_{0}, wakes_{0};
  Sessions sessions_{engine_, {}};
};

TEST_F(SessionsRaceTest, CountsEachReportOnceAndLeavesNothing) {
  sessions_.Start();
  std::thread changes([this] { ChangeAll(); });
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([this, client] { Run(client); });
  }
  for (std::thread& client : clients) client.join();
  done_ = true;
  changes.join();
  sessions_.Stop();
  EXPECT_EQ(mistakes_, 0);
  EXPECT_GT(wakes_, 0);
  EXPECT_EQ(sessions_.live(), 0u);
  EXPECT_EQ(sessions_.topics(), 0u);
}

}  // namespace
}  // namespace fusebox
