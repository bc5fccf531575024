// All sessions of a server: how they begin, and that what changes reaches them by itself.
#include "server/session/sessions.h"

#include <semaphore>
#include <thread>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

class SessionsTest : public EngineTest {
 protected:
  static v1::Hello Hello(char letter, const std::string& life = "") {
    v1::Hello hello;
    hello.set_session_id(std::string(16, letter));
    hello.set_server_life(life);
    return hello;
  }
  absl::StatusOr<Sessions::Begun> Begin(
      const v1::Hello& hello, std::function<void()> wake = [] {}) {
    return sessions_.Begin(hello, "",
                           {.client = hello.client().empty() ? "client" : hello.client(),
                            .check = [](absl::string_view) { return absl::OkStatus(); }},
                           {.wake = std::move(wake),
                            .end = [this](const absl::Status& status) { ended_ = status; },
                            .recheck = [] {}});
  }
  static v1::SessionRequest Subscribe(uint32_t handle, absl::string_view breaker) {
    v1::SessionRequest request;
    request.add_subscribe()->set_handle(handle);
    request.mutable_subscribe(0)->set_breaker(std::string(breaker));
    return request;
  }

  absl::Status ended_;
  Sessions sessions_{engine_, {.max_sessions = 2}};
};

// Welcome says all that a client has to keep to.
TEST_F(SessionsTest, SaysWelcomeFirst) {
  const auto begun = Begin(Hello('a'));
  ASSERT_TRUE(begun.ok()) << begun.status();
  const std::optional<v1::SessionResponse> first = begun->session->Say();
  ASSERT_TRUE(first.has_value());
  const v1::Welcome& welcome = first->welcome();
  EXPECT_EQ(welcome.server_life().size(), 8u);
  EXPECT_FALSE(welcome.resumed());
  EXPECT_EQ(welcome.pace().report_interval().nanos(), 500'000'000);
  EXPECT_EQ(welcome.pace().hurry_interval().nanos(), 10'000'000);
  EXPECT_EQ(welcome.resume_time().seconds(), 60);
  EXPECT_EQ(welcome.max_rows(), 10'000u);
  EXPECT_EQ(welcome.max_subscriptions(), 10'000u);
  EXPECT_FALSE(begun->session->Say().has_value());
  sessions_.Close(*begun);
  EXPECT_EQ(sessions_.live(), 0u);
}

// Of this life and still known: it goes on. Of another: it begins anew.
TEST_F(SessionsTest, ResumesWithinOneLife) {
  auto begun = Begin(Hello('a'));
  const std::string life = begun->session->Say()->welcome().server_life();
  v1::SessionRequest request;
  request.mutable_report()->set_sequence(1);
  ASSERT_TRUE(begun->session->Take(request).ok());
  sessions_.Close(*begun);
  begun = Begin(Hello('a', life));
  const v1::Welcome again = begun->session->Say()->welcome();
  EXPECT_TRUE(again.resumed());
  EXPECT_EQ(again.applied_sequence(), 1u);
  sessions_.Close(*begun);
  begun = Begin(Hello('a', "anotherl"));
  const v1::Welcome anew = begun->session->Say()->welcome();
  EXPECT_FALSE(anew.resumed());
  EXPECT_EQ(anew.applied_sequence(), 0u);
  sessions_.Close(*begun);
}

// The stream that a client has given up is told so.
TEST_F(SessionsTest, EndsTheStreamThatIsReplaced) {
  const auto first = Begin(Hello('a'));
  const auto second = Begin(Hello('a'));
  ASSERT_TRUE(second.ok());
  ExpectError(ended_, absl::StatusCode::kAborted, "SESSION_REPLACED");
  sessions_.Close(*first);
  EXPECT_EQ(sessions_.live(), 1u);
  sessions_.Close(*second);
}

// What is wrong with a hello is named.
TEST_F(SessionsTest, RefusesABadHello) {
  v1::Hello hello = Hello('a');
  hello.set_session_id("short");
  ExpectError(Begin(hello).status(), absl::StatusCode::kInvalidArgument, "SESSION_ID_INVALID",
              {"5 bytes", "16 random bytes"});
  hello = Hello('a');
  hello.set_library(std::string(65, 'x'));
  ExpectError(Begin(hello).status(), absl::StatusCode::kInvalidArgument, "LIBRARY_INVALID",
              {"65 bytes"});
  hello = Hello('a');
  hello.set_client(std::string(257, 'x'));
  ExpectError(Begin(hello).status(), absl::StatusCode::kInvalidArgument, "CLIENT_NAME_INVALID");
  EXPECT_EQ(sessions_.live(), 0u);
}

// A change reaches those who follow, by the thread that tells them.
TEST_F(SessionsTest, TellsOfChangesByItself) {
  sessions_.Start();
  std::counting_semaphore<> woken(0);
  const auto begun = Begin(Hello('a'), [&] { woken.release(); });
  ASSERT_TRUE(begun->session->Take(Subscribe(1, kOrders)).ok());
  v1::State known = v1::STATE_UNSPECIFIED;
  const auto wait_for = [&](v1::State state) {
    while (true) {
      while (const std::optional<v1::SessionResponse> said = begun->session->Say()) {
        for (const v1::BreakerState& told : said->states()) known = told.state();
      }
      if (known == state) return;
      woken.acquire();
    }
  };
  wait_for(v1::STATE_CLOSED);
  Trip();
  engine_.Maintain();
  wait_for(v1::STATE_OPEN);
  sessions_.Close(*begun);
  sessions_.Stop();
}

// A server that stops asks its clients to come back elsewhere, takes no new ones, and then ends.
TEST_F(SessionsTest, SendsClientsAway) {
  const auto begun = Begin(Hello('a'));
  while (begun->session->Say().has_value()) {
  }
  sessions_.SendAway(absl::Seconds(2));
  EXPECT_EQ(begun->session->Say()->go_away().within().seconds(), 2);
  ExpectError(Begin(Hello('b')).status(), absl::StatusCode::kUnavailable, "DRAINING");
  EXPECT_EQ(sessions_.live(), 1u);
  sessions_.EndAll(absl::UnavailableError("stopping"));
  EXPECT_EQ(ended_, absl::UnavailableError("stopping"));
  sessions_.Close(*begun);
}

// Before any client is refused, all are asked to report less often: 200 sessions every 10 ms are
// 20,000 reports a second, and 400 are as many every 20 ms.
TEST(SessionsPaceTest, ManySessionsReportLessOften) {
  FakeClock clock;
  Engine engine({}, clock, 1);
  Sessions sessions(engine, {.max_sessions = 1'000'000, .report_interval = absl::Milliseconds(10)});
  int begun_so_far = 0;
  const auto begin = [&] {
    v1::Hello hello;
    hello.set_session_id(absl::StrCat(1'000'000'000'000'000 + begun_so_far++));
    return *sessions.Begin(
        hello, "", {.client = "c", .check = [](absl::string_view) { return absl::OkStatus(); }},
        {.wake = [] {}, .end = [](const absl::Status&) {}, .recheck = [] {}});
  };
  const auto interval_of = [](const Sessions::Begun& begun) {
    return begun.session->Say()->welcome().pace().report_interval().nanos() / 1'000'000;
  };
  std::vector<Sessions::Begun> begun;
  while (begun.size() < 200) begun.push_back(begin());
  EXPECT_EQ(interval_of(begun.back()), 10);
  begun.push_back(begin());
  EXPECT_EQ(interval_of(begun.back()), 20);
  while (begun.size() < 401) begun.push_back(begin());
  EXPECT_EQ(interval_of(begun.back()), 40);
  // Those who were there before are told, too.
  sessions.Start();
  while (true) {
    const std::optional<v1::SessionResponse> said = begun.front().session->Say();
    if (said.has_value() && said->has_pace()) {
      EXPECT_EQ(said->pace().report_interval().nanos(), 40'000'000);
      break;
    }
    std::this_thread::yield();
  }
  // Who comes and goes at a threshold changes nothing.
  sessions.Close(begun.back());
  begun.back() = begin();
  EXPECT_EQ(interval_of(begun.back()), 40);
  for (const Sessions::Begun& one : begun) sessions.Close(one);
  const Sessions::Begun last = begin();
  EXPECT_EQ(interval_of(last), 10);
  sessions.Close(last);
}

}  // namespace
}  // namespace fusebox
