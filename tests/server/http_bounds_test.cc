// What clients can take from a server: time, memory, connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/http/health_routes.h"
#include "server/http/http_server.h"
#include "server/http_fixture.h"

namespace fusebox {
namespace {

using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// Who sends a body could otherwise keep a thread for as long as they like.
TEST(HttpBoundsTest, AnswersBeforeABodyThatNeverComes) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  const std::string response = Ask(
      server->port(), "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
}

TEST(HttpBoundsTest, RefusesTooMuchInChunks) {
  const auto server = StartOrDie({Echo()});
  std::string request = "POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = absl::StrCat("10000\r\n", std::string(0x10000, 'x'), "\r\n");
  for (int i = 0; i < 17; ++i) request += chunk;
  EXPECT_THAT(Ask(server->port(), request), StartsWith("HTTP/1.1 413 "));
}

// Whoever sends no end of a chunk's own header.
TEST(HttpBoundsTest, RefusesChunksThatAreAllFraming) {
  const auto server = StartOrDie({Echo()});
  const std::string request =
      absl::StrCat("POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;",
                   std::string(100'000, 'x'));
  EXPECT_THAT(Ask(server->port(), request), StartsWith("HTTP/1.1 400 "));
}

// A client that is still sending would see a broken connection, and no answer.
TEST(HttpBoundsTest, HearsOutWhoIsRefusedInTheMiddleOfABody) {
  const auto server = StartOrDie({Echo(), Page("/metrics", "up 1\n")});
  const std::string body(4 << 20, 'x');
  for (const absl::string_view path : {"/echo/a", "/metrics"}) {
    const std::string response =
        Ask(server->port(), absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: a\r\nContent-Length: ",
                                         body.size(), "\r\n\r\n", body));
    EXPECT_THAT(response, StartsWith(path == "/metrics" ? "HTTP/1.1 405 " : "HTTP/1.1 413 "));
  }
}

// Whoever sends theirs a byte at a time.
TEST(HttpBoundsTest, AnswersOthersWhileBodiesTrickleIn) {
  const auto server = StartOrDie({Echo(), HealthzRoute()});
  std::vector<std::unique_ptr<Connection>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(std::make_unique<Connection>(server->port()));
    slow.back()->Send("POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
  const std::string posted =
      Ask(server->port(), "POST /echo/b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(posted, EndsWith("/echo/b||127.0.0.1|hi")) << "whose body came is not held up";
  for (const auto& each : slow) {
    EXPECT_THAT(each->ReadAll(), StartsWith("HTTP/1.1 408 ")) << "5 s are over";
  }
}

TEST(HttpBoundsTest, ReadsSoManyBodiesAtATime) {
  const auto server = StartOrDie({Echo()});
  std::vector<std::unique_ptr<Connection>> slow;
  for (int i = 0; i < 64; ++i) {
    slow.push_back(std::make_unique<Connection>(server->port()));
    slow.back()->Send(
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    slow.back()->WaitUntilSomethingComes();
  }
  const std::string post = "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
  EXPECT_THAT(Ask(server->port(), post), StartsWith("HTTP/1.1 429 "));
  slow.front()->Send("123456789");
  EXPECT_THAT(slow.front()->ReadAll(), EndsWith("123456789"));
  EXPECT_THAT(Ask(server->port(), post), EndsWith("|hi"));
}

// Handlers that have begun and not answered. Thread-safe.
class Waiting {
 public:
  HttpRoute Route(std::string path, size_t most) {
    return {.path = std::move(path),
            .summary = "waits",
            .handler = nullptr,
            .method = HttpRoute::Method::kPost,
            .begin = [this](const HttpRequest&, HttpAnswer answer) { Add(std::move(answer)); },
            .most = most};
  }

  void WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answers_.size() == count; });
  }

  std::vector<HttpAnswer> TakeAll() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
  }

 private:
  void Add(HttpAnswer answer) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpAnswer> answers_;
};

constexpr absl::string_view kPostWait =
    "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

std::vector<std::unique_ptr<Connection>> Post(uint16_t port, size_t count) {
  std::vector<std::unique_ptr<Connection>> calls;
  for (size_t i = 0; i < count; ++i) {
    calls.push_back(std::make_unique<Connection>(port));
    calls.back()->Send(kPostWait);
  }
  return calls;
}

// More of them than there are threads.
TEST(HttpBoundsTest, SoManyOfARouteWaitAtATimeAndKeepNobodyElseOut) {
  Waiting waiting;
  const auto server = StartOrDie({waiting.Route("/wait", 40), Echo(), Page("/metrics", "up 1\n")});
  const auto calls = Post(server->port(), 40);
  waiting.WaitFor(40);
  EXPECT_THAT(Ask(server->port(), kPostWait), StartsWith("HTTP/1.1 429 "));
  EXPECT_EQ(BodyOf(Get(server->port(), "/metrics")), "up 1\n");
  EXPECT_THAT(
      Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"),
      EndsWith("|hi"));
  for (HttpAnswer& answer : waiting.TakeAll()) {
    answer([] { return HttpResponse{.body = "done\n"}; });
  }
  for (const auto& call : calls) EXPECT_EQ(BodyOf(call->ReadAll()), "done\n");
  const auto another = Post(server->port(), 1);
  waiting.WaitFor(1);
  waiting.TakeAll().front()([] { return HttpResponse{.body = "again\n"}; });
  EXPECT_EQ(BodyOf(another.front()->ReadAll()), "again\n");
}

TEST(HttpBoundsTest, WhoIsNeverAnsweredIsLetGo) {
  Waiting waiting;
  const auto server = StartOrDie({waiting.Route("/wait", 1)});
  for (int i = 0; i < 2; ++i) {
    const auto call = Post(server->port(), 1);
    waiting.WaitFor(1);
    waiting.TakeAll();
    EXPECT_EQ(call.front()->ReadAll(), "") << "and its place is free";
  }
}

TEST(HttpBoundsTest, AServerThatEndsWaitsForItsHandlers) {
  Waiting waiting;
  auto server = StartOrDie({waiting.Route("/wait", 1)});
  const uint16_t port = server->port();
  const auto call = Post(port, 1);
  waiting.WaitFor(1);
  std::thread ending([&server] { server.reset(); });
  while (Connection(port).connected()) std::this_thread::yield();
  for (HttpAnswer& answer : waiting.TakeAll()) {
    answer([] { return HttpResponse{.body = "at last\n"}; });
  }
  EXPECT_THAT(BodyOf(call.front()->ReadAll()), AnyOf("at last\n", "")) << "none after 1 s";
  ending.join();
}

// As when a hundred scrape at once.
TEST(HttpBoundsTest, HealthIsAnsweredWhateverPagesAreAt) {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  bool may_end = false;
  HttpRoute slow = Page("/metrics", "");
  slow.handler = [&](const HttpRequest&) {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait(lock, [&] { return may_end; });
    return HttpResponse{.body = "up 1\n"};
  };
  const auto server = StartOrDie({slow, HealthzRoute(), Echo()});
  std::vector<std::unique_ptr<Connection>> scrapes;
  for (int i = 0; i < 100; ++i) {
    scrapes.push_back(std::make_unique<Connection>(server->port()));
    scrapes.back()->Send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside == 16; });
  }
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
  EXPECT_THAT(
      Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"),
      EndsWith("|hi"))
      << "nor do calls wait for them";
  {
    const std::lock_guard lock(mutex);
    may_end = true;
  }
  changed.notify_all();
  for (const auto& each : scrapes) EXPECT_EQ(BodyOf(each->ReadAll()), "up 1\n");
}

TEST(HttpBoundsTest, WhatWasAnsweredIsCounted) {
  RequestCounts counts;
  Waiting waiting;
  {
    const auto server =
        StartOrDie({Echo(), HealthzRoute(), waiting.Route("/wait", 0)}, "127.0.0.1:0", counts);
    Get(server->port(), "/healthz");
    Get(server->port(), "/healthz");
    Get(server->port(), "/nothing");
    Get(server->port(), "/echo/a");
    Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n");
    Ask(server->port(), kPostWait);
    Ask(server->port(), "\r\n\r\n");
  }
  EXPECT_THAT(counts.answered(),
              UnorderedElementsAre(Pair(Pair("/healthz", 200), 2), Pair(Pair("", 404), 1),
                                   Pair(Pair("", 405), 1), Pair(Pair("/echo/", 413), 1),
                                   Pair(Pair("/wait", 429), 1), Pair(Pair("", 400), 1)));
  EXPECT_EQ(counts.failed_handshakes(), 0);
}

// 64 MiB at most.
TEST(HttpBoundsTest, KeepsSoManyLongAnswersForThoseWhoDoNotRead) {
  const auto server = StartOrDie({Page("/large", LargePage()), HealthzRoute()});
  std::vector<std::unique_ptr<Connection>> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(std::make_unique<Connection>(server->port()));
    slow.back()->Send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    slow.back()->WaitUntilSomethingComes();
  }
  EXPECT_THAT(Get(server->port(), "/large"), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
  EXPECT_EQ(BodyOf(slow.front()->ReadAll()).size(), LargePage().size());
  EXPECT_THAT(Get(server->port(), "/large"), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpBoundsTest, DropsTheSilentBeforeNobodyCanSpeak) {
  const auto server = StartOrDie({HealthzRoute()});
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 1000; ++i) {
    silent.push_back(std::make_unique<Connection>(server->port()));
    ASSERT_TRUE(silent.back()->connected());
  }
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
  EXPECT_EQ(silent.front()->ReadAll(), "") << "it was there first";
}

TEST(HttpBoundsTest, RefusesABodyThatIsTooLong) {
  const auto server = StartOrDie({Echo()});
  EXPECT_THAT(
      Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"),
      StartsWith("HTTP/1.1 413 "));
}

TEST(HttpBoundsTest, RefusesARequestHeaderWithoutEnd) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  EXPECT_THAT(
      Ask(server->port(), absl::StrCat("GET /metrics HTTP/1.1\r\nX: ", std::string(100'000, 'x'))),
      StartsWith("HTTP/1.1 431 "));
}

// Each is short, and a node of a list.
TEST(HttpBoundsTest, RefusesHeadersWithoutEnd) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  std::string request = "GET /metrics HTTP/1.1\r\n";
  for (int i = 0; i < 100'000; ++i) request += "a:\r\n";
  EXPECT_THAT(Ask(server->port(), request), StartsWith("HTTP/1.1 431 "));
}

TEST(HttpBoundsTest, GoesOnServingAfterAClientThatLeftEarly) {
  const auto server = StartOrDie({Page("/large", LargePage()), HealthzRoute()});
  {
    const Connection hasty(server->port());
    hasty.Send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
}

// More than there may be connections.
TEST(HttpBoundsTest, ServesMoreClientsThanItHoldsConnections) {
  const auto server = StartOrDie({HealthzRoute()});
  std::vector<std::unique_ptr<Connection>> clients;
  for (int i = 0; i < 600; ++i) {
    clients.push_back(std::make_unique<Connection>(server->port()));
    ASSERT_TRUE(clients.back()->connected());
    clients.back()->Send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  for (const auto& each : clients) EXPECT_EQ(BodyOf(each->ReadAll()), "ok\n");
}

}  // namespace
}  // namespace fusebox
