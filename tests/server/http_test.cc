#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/http/health_routes.h"
#include "server/http/http_server.h"
#include "server/http_fixture.h"

namespace fusebox {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(HttpServerTest, ServesAPageWithItsTypeAndLength) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  const std::string response = Get(server->port(), "/metrics");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response,
              HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\nup 1\n"));
}

TEST(HttpServerTest, ServesAPageThatIsLargerThanAnySocketBuffer) {
  const std::string large = LargePage();
  const auto server = StartOrDie({Page("/large", large)});
  EXPECT_TRUE(BodyOf(Get(server->port(), "/large")) == large);
}

TEST(HttpServerTest, TakesNoNoticeOfAQuery) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  EXPECT_EQ(BodyOf(Get(server->port(), "/metrics?name[]=up")), "up 1\n");
}

TEST(HttpServerTest, AnswersHeadWithTheHeaderAlone) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  const std::string response = Ask(server->port(), "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST(HttpServerTest, RefusesEveryOtherMethodAndSaysWhichItTakes) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  for (const absl::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string response = Ask(
        server->port(), absl::StrCat(method,
                                     " /metrics HTTP/1.1\r\nHost: a\r\n"
                                     "Origin: http://b\r\nAccess-Control-Request-Method: GET\r\n"
                                     "Content-Length: 0\r\n\r\n"));
    EXPECT_THAT(response, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n")) << method;
    EXPECT_THAT(response, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
    EXPECT_THAT(response, HasSubstr("use GET or HEAD")) << method;
  }
}

TEST(HttpServerTest, HandsOnWhatIsPosted) {
  const auto server = StartOrDie({Echo()});
  const std::string response = Ask(server->port(),
                                   "POST /echo/a%2Fb?c=d HTTP/1.1\r\nHost: a\r\n"
                                   "Content-Length: 5\r\n\r\nhello");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 201 Created\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nX-Extra: yes\r\n"));
  EXPECT_EQ(BodyOf(response), "/echo/a/b|c=d|127.0.0.1|hello");
}

TEST(HttpServerTest, TakesABodyInChunks) {
  const auto server = StartOrDie({Echo()});
  const std::string response = Ask(server->port(),
                                   "POST /echo/a HTTP/1.1\r\nHost: a\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
  EXPECT_THAT(response, EndsWith("|hello"));
}

TEST(HttpServerTest, TakesAPostWithoutABody) {
  const auto server = StartOrDie({Echo()});
  EXPECT_THAT(Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\n\r\n"),
              EndsWith("|127.0.0.1|"));
}

TEST(HttpServerTest, SaysThatItWaitsForABodyToWhoAsks) {
  const auto server = StartOrDie({Echo()});
  const Connection connection(server->port());
  connection.Send(
      "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  connection.WaitUntilSomethingComes();
  connection.Send("hi");
  const std::string response = connection.ReadAll();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 "));
  EXPECT_THAT(response, EndsWith("|hi"));
}

TEST(HttpServerTest, TakesTheAddressOfAProxy) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  EXPECT_EQ(BodyOf(Get(server->port(), "http://fusebox.example/metrics?a=b")), "up 1\n");
  EXPECT_THAT(Get(server->port(), "http://fusebox.example"), StartsWith("HTTP/1.1 404 "));
}

TEST(HttpServerTest, AsksWhetherToRefuseBeforeItReadsABody) {
  HttpRoute shut = Echo();
  shut.refuse = [](const HttpRequest& request) { return HttpResponse{.body = request.path}; };
  const auto server = StartOrDie({shut});
  const std::string response =
      Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(BodyOf(response), "/echo/a");
}

TEST(HttpServerTest, ServesWhatIsPostedToNobodyWhoGets) {
  const auto server = StartOrDie({Echo()});
  const std::string response = Get(server->port(), "/echo/a");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(response, HasSubstr("\r\nAllow: POST\r\n"));
}

TEST(HttpServerTest, SaysWhatThereIsIfAPageIsNot) {
  const auto server = StartOrDie({HealthzRoute(), Page("/metrics", "up 1\n")});
  for (const absl::string_view path :
       {"/", "/nope", "/metrics/", "/Metrics", "/../../etc/passwd"}) {
    const std::string response = Get(server->port(), path);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 404 Not Found\r\n")) << path;
    EXPECT_THAT(response, HasSubstr("/healthz  whether the process lives\n")) << path;
    EXPECT_THAT(response, HasSubstr("/metrics  a page\n")) << path;
  }
}

TEST(HttpServerTest, RepeatsNoMoreOfAPathThanPeopleNeed) {
  const auto server = StartOrDie({});
  const std::string response =
      Get(server->port(), absl::StrCat("/%0a<script>", std::string(5'000, 'x')));
  EXPECT_THAT(response, HasSubstr("There is no page \"/\\n<script>xxx"));
  EXPECT_LT(BodyOf(response).size(), 200u);
}

TEST(HttpServerTest, SaysNothingOfWhatItIsBuiltWith) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  for (const absl::string_view request :
       {"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "nonsense\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"}) {
    const std::string response = Ask(server->port(), request);
    EXPECT_THAT(response, Not(HasSubstr("Server:"))) << request;
    EXPECT_THAT(absl::AsciiStrToLower(response), Not(HasSubstr("beast"))) << request;
  }
}

TEST(HttpServerTest, RefusesWhatIsNoRequest) {
  const auto server = StartOrDie({});
  EXPECT_THAT(Ask(server->port(), "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST(HttpServerTest, ServesSeveralRequestsAtOnce) {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  // Each request waits until there are two.
  const auto meet = [&](const HttpRequest&) {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait(lock, [&] { return inside >= 2; });
    return HttpResponse{.body = "met\n"};
  };
  const auto server = StartOrDie({{.path = "/meet", .summary = "", .handler = meet}});
  std::string first;
  std::thread other([&] { first = BodyOf(Get(server->port(), "/meet")); });
  EXPECT_EQ(BodyOf(Get(server->port(), "/meet")), "met\n");
  other.join();
  EXPECT_EQ(first, "met\n");
}

TEST(HttpServerTest, NamesTheAddressAndTheFlagIfItIsInUse) {
  const auto server = StartOrDie({});
  const std::string address = absl::StrCat("127.0.0.1:", server->port());
  const absl::Status second = HttpServer::Start(address, {}, Uncounted()).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.message()),
              StartsWith(absl::StrCat("--http-listen is \"", address, "\": ")));
  EXPECT_THAT(std::string(second.message()), HasSubstr("Address already in use"));
  EXPECT_THAT(std::string(second.message()), HasSubstr("choose another address"));
}

TEST(HttpServerTest, RefusesWhatIsNoAddress) {
  for (const absl::string_view address :
       {"", "7401", ":7401", "unix:/h.sock", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80s", "127.0.0.1:1,127.0.0.1:2",
        "127.0.0.1:0,127.0.0.1:0", "1.2.3.4 :1", "::1:7401", "http://127.0.0.1:1"}) {
    const absl::Status status = HttpServer::Start(address, {}, Uncounted()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address << ": " << status;
    EXPECT_THAT(std::string(status.message()),
                StartsWith(absl::StrCat("--http-listen is \"", address, "\"; write ")));
  }
}

TEST(HttpServerTest, ServesNothingInPlaintextForWantOfACertificate) {
  LiveCertificate live;
  live.Replace({.chain = "nothing", .key = "nothing", .client_ca = "", .not_after = {}});
  const absl::Status status =
      HttpServer::Start("127.0.0.1:0", {HealthzRoute()}, Uncounted(), &live).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("--http-tls: "));
}

// 192.0.2.0/24 is nobody's: RFC 5737.
TEST(HttpServerTest, SaysIfAnAddressIsOfAnotherMachine) {
  const absl::Status status = HttpServer::Start("192.0.2.1:0", {}, Uncounted()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1:0"));
}

TEST(HttpServerTest, ListensOnANameAndOnAllAddresses) {
  for (const absl::string_view address : {"localhost:0", "LOCALHOST:0", "0.0.0.0:0"}) {
    const auto server = StartOrDie({HealthzRoute()}, address);
    ASSERT_NE(server, nullptr) << address;
    EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n") << address;
  }
}

TEST(HttpServerTest, ListensOnIpv6WhereThereIsAny) {
  const absl::StatusOr<std::unique_ptr<HttpServer>> server =
      HttpServer::Start("[::1]:0", {}, Uncounted());
  if (server.ok()) {
    EXPECT_NE((*server)->port(), 0);
  } else {
    EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable) << "a machine without IPv6";
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("\"[::1]:0\""));
  }
}

TEST(HttpServerTest, SaysThatANameIsNobodys) {
  const absl::Status status = HttpServer::Start("nobody.invalid:0", {}, Uncounted()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"nobody.invalid:0\""));
}

TEST(HttpServerTest, FreesItsPortWhenItStops) {
  auto server = StartOrDie({});
  const std::string address = absl::StrCat("127.0.0.1:", server->port());
  server.reset();
  EXPECT_TRUE(HttpServer::Start(address, {}, Uncounted()).ok());
}

TEST(HttpServerTest, AnswersWhatItHasBegunBeforeItStops) {
  const std::string body = LargePage();
  auto server = StartOrDie({Page("/large", body)});
  const Connection connection(server->port());
  connection.Send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  connection.WaitUntilSomethingComes();
  std::thread stopping([&] { server.reset(); });
  EXPECT_EQ(BodyOf(connection.ReadAll()).size(), body.size());
  stopping.join();
}

TEST(HealthRoutesTest, SayThatTheProcessLives) {
  const auto server = StartOrDie({HealthzRoute()});
  const std::string response = Get(server->port(), "/healthz");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(BodyOf(response), "ok\n");
}

TEST(HealthRoutesTest, SayWhetherTheServerTakesWorkAndWhyNot) {
  std::atomic<bool> draining = false, failed = false;
  const auto server =
      StartOrDie({ReadyzRoute([&] { return std::string(draining ? "draining" : ""); },
                              [&] { return std::string(failed ? "the disk is full" : ""); })});
  EXPECT_THAT(Get(server->port(), "/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(BodyOf(Get(server->port(), "/readyz")), "ready\n");
  failed = true;  // It decides from memory, and so takes work.
  EXPECT_THAT(Get(server->port(), "/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(BodyOf(Get(server->port(), "/readyz")), "ready\nnot durable: the disk is full\n");
  draining = true;
  EXPECT_THAT(Get(server->port(), "/readyz"), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(BodyOf(Get(server->port(), "/readyz")), "draining\n");
}

}  // namespace
}  // namespace fusebox
