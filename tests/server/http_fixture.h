// Servers of pages, and clients that write their requests themselves.
#ifndef FUSEBOX_TESTS_SERVER_HTTP_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_HTTP_FIXTURE_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/http/http_server.h"

namespace fusebox {

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

inline std::string Ask(uint16_t port, absl::string_view request) {
  const Connection connection(port);
  EXPECT_TRUE(connection.connected());
  connection.Send(request);
  return connection.ReadAll();
}

inline std::string Get(uint16_t port, absl::string_view path) {
  return Ask(port, absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

inline std::string BodyOf(absl::string_view response) {
  const size_t end = response.find("\r\n\r\n");
  return end == absl::string_view::npos ? "" : std::string(response.substr(end + 4));
}

// Where nobody looks at them.
inline RequestCounts& Uncounted() {
  static auto* const kCounts = new RequestCounts;
  return *kCounts;
}

inline std::unique_ptr<HttpServer> StartOrDie(std::vector<HttpRoute> routes,
                                              absl::string_view address = "127.0.0.1:0",
                                              RequestCounts& counts = Uncounted()) {
  absl::StatusOr<std::unique_ptr<HttpServer>> server =
      HttpServer::Start(address, std::move(routes), counts);
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

inline HttpRoute Page(std::string path, std::string body) {
  return {.path = std::move(path),
          .summary = "a page",
          .handler = [body = std::move(body)](const HttpRequest&) {
            return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                .body = body};
          }};
}

// More than sockets buffer.
inline std::string LargePage() {
  std::string page;
  page.resize(20'000'000, 'x');
  return page;
}

inline HttpRoute Echo() {
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

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_HTTP_FIXTURE_H_
