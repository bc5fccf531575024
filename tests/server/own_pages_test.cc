// Whose pages may use the server from within somebody's browser; and requests, as routes see them.
#include "server/http/own_pages.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/http/http_message.h"

namespace fusebox {
namespace {

HttpRequest From(std::string host, std::string origin = "") {
  HttpRequest request;
  request.headers.emplace_back("host", std::move(host));
  if (!origin.empty()) request.headers.emplace_back("ORIGIN", std::move(origin));
  return request;
}

// Of a server that is also called "fusebox.prod.example".
int StatusOf(const HttpRequest& request) {
  const HttpRoute route = ForOwnPages(
      {.path = "/", .summary = "", .handler = [](const HttpRequest&) { return HttpResponse{}; }},
      {"fusebox.prod.example"});
  const std::optional<HttpResponse> refusal = route.refuse(request);
  return refusal.has_value() ? refusal->status : route.handler(request).status;
}

TEST(OwnPagesTest, ServesAddressesAndLocalhost) {
  for (const char* host : {"127.0.0.1:7401", "127.0.0.1", "10.1.2.3:80", "localhost",
                           "LocalHost:7401", "[::1]:7401", "[fe80::1]"}) {
    EXPECT_EQ(StatusOf(From(host)), 200) << host;
  }
}

// "DNS rebinding": a page whose name means 127.0.0.1 would be of one origin with us.
TEST(OwnPagesTest, ServesNoOtherName) {
  for (const char* host : {"evil.example", "evil.example:7401", "localhost.evil.example", "",
                           "127.0.0.1.evil.example", "[evil", "1.2.3"}) {
    EXPECT_EQ(StatusOf(From(host)), 421) << host;
  }
  EXPECT_EQ(StatusOf(HttpRequest{}), 421) << "without a host";
}

TEST(OwnPagesTest, ServesTheNamesThatItWasTold) {
  EXPECT_EQ(StatusOf(From("fusebox.prod.example")), 200);
  EXPECT_EQ(StatusOf(From("Fusebox.Prod.Example:443")), 200);
  EXPECT_EQ(StatusOf(From("fusebox.prod.example", "https://fusebox.prod.example")), 200);
}

// A proxy may call the server by its address, and its pages by their name.
TEST(OwnPagesTest, ServesItsOwnPagesBehindAProxy) {
  EXPECT_EQ(StatusOf(From("127.0.0.1:7401", "https://fusebox.prod.example")), 200);
}

TEST(OwnPagesTest, AsksItsOwnReasonToRefuseLast) {
  HttpRoute shut{.path = "/", .summary = "", .handler = nullptr};
  shut.refuse = [](const HttpRequest&) { return HttpResponse{.status = 418}; };
  const HttpRoute route = ForOwnPages(shut, {});
  EXPECT_EQ(route.refuse(From("localhost"))->status, 418);
  EXPECT_EQ(route.refuse(From("evil.example"))->status, 421);
}

TEST(OwnPagesTest, ServesNoPagesOfOthers) {
  EXPECT_EQ(StatusOf(From("localhost:7401", "http://localhost:7401")), 200);
  EXPECT_EQ(StatusOf(From("localhost:7401", "https://LOCALHOST:7401")), 200);
  for (const char* origin :
       {"http://evil.example", "http://localhost:8080", "http://127.0.0.1:7401", "null",
        "http://localhost:7401.evil.example"}) {
    EXPECT_EQ(StatusOf(From("localhost:7401", origin)), 403) << origin;
    EXPECT_EQ(StatusOf(From("fusebox.prod.example", origin)), 403) << origin;
  }
}

TEST(HttpRequestTest, HasHeadersInAnyCase) {
  const HttpRequest request = From("a");
  EXPECT_EQ(request.Header("HOST"), "a");
  EXPECT_TRUE(request.HasHeader("Host"));
  EXPECT_FALSE(request.HasHeader("Origin"));
  EXPECT_EQ(request.Header("Origin"), "");
}

TEST(HttpRequestTest, DecodesItsQuery) {
  HttpRequest request;
  request.query = "filter=a%2Fb+c&limit=10&empty=&state";
  EXPECT_EQ(request.Query("filter"), "a/b c");
  EXPECT_EQ(request.Query("limit"), "10");
  for (const char* name : {"empty", "state", "none", "imit"}) EXPECT_EQ(request.Query(name), "");
  EXPECT_EQ(HttpRequest{}.Query("filter"), "");
}

TEST(HttpRouteTest, MatchesAsAWholeOrByItsFolder) {
  const auto matches = [](std::string path, absl::string_view requested) {
    return HttpRoute{.path = std::move(path), .summary = "", .handler = {}}.Matches(requested);
  };
  EXPECT_TRUE(matches("/", "/"));
  EXPECT_FALSE(matches("/", "/a"));
  EXPECT_TRUE(matches("/json/breakers", "/json/breakers"));
  EXPECT_FALSE(matches("/json/breakers", "/json/breakers/a"));
  EXPECT_TRUE(matches("/json/breakers/", "/json/breakers/a/b"));
  EXPECT_FALSE(matches("/json/breakers/", "/json/breakers/"));
}

}  // namespace
}  // namespace fusebox
