#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http/health_routes.h"
#include "server/http/http_server.h"

namespace fusebox {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A connection to a server on this machine.
class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool connected() const { return connected_; }

  void Send(absl::string_view text) const {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  void WaitUntilSomethingComes() const {
    char first = 0;
    EXPECT_EQ(recv(socket_, &first, 1, MSG_PEEK), 1);
  }

  // Whatever comes until the server closes the connection.
  std::string ReadAll() const {
    std::string all;
    char part[4096];
    ssize_t size = 0;
    while ((size = recv(socket_, part, sizeof(part), 0)) > 0) {
      all.append(part, static_cast<size_t>(size));
    }
    return all;
  }

 private:
  const int socket_;
  bool connected_ = false;
};

std::string Ask(uint16_t port, absl::string_view request) {
  const Connection connection(port);
  EXPECT_TRUE(connection.connected());
  connection.Send(request);
  return connection.ReadAll();
}

std::string Get(uint16_t port, absl::string_view path) {
  return Ask(port, absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

std::string BodyOf(absl::string_view response) {
  const size_t end = response.find("\r\n\r\n");
  return end == absl::string_view::npos ? "" : std::string(response.substr(end + 4));
}

std::unique_ptr<HttpServer> StartOrDie(std::vector<HttpRoute> routes,
                                       absl::string_view address = "127.0.0.1:0") {
  absl::StatusOr<std::unique_ptr<HttpServer>> server =
      HttpServer::Start(address, std::move(routes));
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

HttpRoute Page(std::string path, std::string body) {
  return {.path = std::move(path),
          .summary = "a page",
          .handler = [body = std::move(body)](const HttpRequest&) {
            return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                .body = body};
          }};
}

// More than sockets buffer.
std::string LargePage() {
  std::string page;
  page.resize(20'000'000, 'x');
  return page;
}

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

// Who sends a body could otherwise keep a thread for as long as they like.
TEST(HttpServerTest, AnswersBeforeABodyThatNeverComes) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  const std::string response = Ask(
      server->port(), "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
}

HttpRoute Echo() {
  return {.path = "/echo/",
          .summary = "says it again",
          .handler =
              [](const HttpRequest& request) {
                return HttpResponse{.status = 201,
                                    .body = absl::StrCat(request.path, "|", request.query, "|",
                                                         request.peer, "|", request.body),
                                    .headers = {{"X-Extra", "yes"}}};
              },
          .method = HttpRoute::Method::kPost};
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

TEST(HttpServerTest, RefusesTooMuchInChunks) {
  const auto server = StartOrDie({Echo()});
  std::string request = "POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = absl::StrCat("10000\r\n", std::string(0x10000, 'x'), "\r\n");
  for (int i = 0; i < 17; ++i) request += chunk;
  EXPECT_THAT(Ask(server->port(), request), StartsWith("HTTP/1.1 413 "));
}

// Whoever sends no end of a chunk's own header.
TEST(HttpServerTest, RefusesChunksThatAreAllFraming) {
  const auto server = StartOrDie({Echo()});
  const std::string request =
      absl::StrCat("POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;",
                   std::string(100'000, 'x'));
  EXPECT_THAT(Ask(server->port(), request), StartsWith("HTTP/1.1 400 "));
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

// A client that is still sending would see a broken connection, and no answer.
TEST(HttpServerTest, HearsOutWhoIsRefusedInTheMiddleOfABody) {
  const auto server = StartOrDie({Echo(), Page("/metrics", "up 1\n")});
  const std::string body(4 << 20, 'x');
  for (const absl::string_view path : {"/echo/a", "/metrics"}) {
    const std::string response =
        Ask(server->port(), absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: a\r\nContent-Length: ",
                                         body.size(), "\r\n\r\n", body));
    EXPECT_THAT(response, StartsWith(path == "/metrics" ? "HTTP/1.1 405 " : "HTTP/1.1 413 "));
  }
}

TEST(HttpServerTest, AsksWhetherToRefuseBeforeItReadsABody) {
  HttpRoute shut = Echo();
  shut.refuse = [](const HttpRequest& request) { return HttpResponse{.body = request.path}; };
  const auto server = StartOrDie({shut});
  const std::string response =
      Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(BodyOf(response), "/echo/a");
}

// Whoever sends theirs a byte at a time.
TEST(HttpServerTest, AnswersOthersWhileBodiesTrickleIn) {
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

TEST(HttpServerTest, ReadsSoManyBodiesAtATime) {
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

TEST(HttpServerTest, HandlesSoManyPostsAtATime) {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  bool may_end = false;
  HttpRoute slow = Echo();
  slow.handler = [&](const HttpRequest&) {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait(lock, [&] { return may_end; });
    return HttpResponse{.body = "done\n"};
  };
  const auto server = StartOrDie({slow, HealthzRoute()});
  const std::string post = "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
  std::vector<std::unique_ptr<Connection>> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(std::make_unique<Connection>(server->port()));
    calls.back()->Send(post);
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside == 8; });
  }
  EXPECT_THAT(Ask(server->port(), post), StartsWith("HTTP/1.1 429 "));
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
  {
    const std::lock_guard lock(mutex);
    may_end = true;
  }
  changed.notify_all();
  for (const auto& call : calls) EXPECT_EQ(BodyOf(call->ReadAll()), "done\n");
}

// 64 MiB at most.
TEST(HttpServerTest, KeepsSoManyLongAnswersForThoseWhoDoNotRead) {
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

TEST(HttpServerTest, DropsTheSilentBeforeNobodyCanSpeak) {
  const auto server = StartOrDie({HealthzRoute()});
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 1000; ++i) {
    silent.push_back(std::make_unique<Connection>(server->port()));
    ASSERT_TRUE(silent.back()->connected());
  }
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
  EXPECT_EQ(silent.front()->ReadAll(), "") << "it was there first";
}

TEST(HttpServerTest, ServesWhatIsPostedToNobodyWhoGets) {
  const auto server = StartOrDie({Echo()});
  const std::string response = Get(server->port(), "/echo/a");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(response, HasSubstr("\r\nAllow: POST\r\n"));
}

TEST(HttpServerTest, RefusesABodyThatIsTooLong) {
  const auto server = StartOrDie({Echo()});
  EXPECT_THAT(
      Ask(server->port(), "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"),
      StartsWith("HTTP/1.1 413 "));
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

TEST(HttpServerTest, RefusesARequestHeaderWithoutEnd) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  EXPECT_THAT(
      Ask(server->port(), absl::StrCat("GET /metrics HTTP/1.1\r\nX: ", std::string(100'000, 'x'))),
      StartsWith("HTTP/1.1 431 "));
}

// Each is short, and a node of a list.
TEST(HttpServerTest, RefusesHeadersWithoutEnd) {
  const auto server = StartOrDie({Page("/metrics", "up 1\n")});
  std::string request = "GET /metrics HTTP/1.1\r\n";
  for (int i = 0; i < 100'000; ++i) request += "a:\r\n";
  EXPECT_THAT(Ask(server->port(), request), StartsWith("HTTP/1.1 431 "));
}

TEST(HttpServerTest, GoesOnServingAfterAClientThatLeftEarly) {
  const auto server = StartOrDie({Page("/large", LargePage()), HealthzRoute()});
  {
    const Connection hasty(server->port());
    hasty.Send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  EXPECT_EQ(BodyOf(Get(server->port(), "/healthz")), "ok\n");
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
  const absl::Status second = HttpServer::Start(address, {}).status();
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
    const absl::Status status = HttpServer::Start(address, {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address << ": " << status;
    EXPECT_THAT(std::string(status.message()),
                StartsWith(absl::StrCat("--http-listen is \"", address, "\"; write ")));
  }
}

TEST(HttpServerTest, ServesNothingInPlaintextForWantOfACertificate) {
  LiveCertificate live;
  live.Replace({.chain = "nothing", .key = "nothing", .client_ca = "", .not_after = {}});
  const absl::Status status = HttpServer::Start("127.0.0.1:0", {HealthzRoute()}, &live).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("--http-tls: "));
}

// 192.0.2.0/24 is nobody's: RFC 5737.
TEST(HttpServerTest, SaysIfAnAddressIsOfAnotherMachine) {
  const absl::Status status = HttpServer::Start("192.0.2.1:0", {}).status();
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
  const absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start("[::1]:0", {});
  if (server.ok()) {
    EXPECT_NE((*server)->port(), 0);
  } else {
    EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable) << "a machine without IPv6";
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("\"[::1]:0\""));
  }
}

TEST(HttpServerTest, SaysThatANameIsNobodys) {
  const absl::Status status = HttpServer::Start("nobody.invalid:0", {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"nobody.invalid:0\""));
}

TEST(HttpServerTest, FreesItsPortWhenItStops) {
  auto server = StartOrDie({});
  const std::string address = absl::StrCat("127.0.0.1:", server->port());
  server.reset();
  EXPECT_TRUE(HttpServer::Start(address, {}).ok());
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

// More than there may be connections.
TEST(HttpServerTest, ServesMoreClientsThanItHoldsConnections) {
  const auto server = StartOrDie({HealthzRoute()});
  std::vector<std::unique_ptr<Connection>> clients;
  for (int i = 0; i < 600; ++i) {
    clients.push_back(std::make_unique<Connection>(server->port()));
    ASSERT_TRUE(clients.back()->connected());
    clients.back()->Send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  for (const auto& each : clients) EXPECT_EQ(BodyOf(each->ReadAll()), "ok\n");
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
