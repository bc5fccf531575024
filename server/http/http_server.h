// Serves a few read-only pages over HTTP: metrics, health.
//
//   absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
//       "127.0.0.1:7401", {HealthzRoute(),
//                          {.path = "/metrics",
//                           .summary = "for Prometheus",
//                           .handler = [&] { return HttpResponse{.body = Render()}; }}});
//
// Bounds: 4 requests at a time and 20 connections that wait, 5 s to send a request or to take its
// response, 16 KiB of request header. Each connection carries one request.
#ifndef FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_
#define FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/sync/mutex.h"

struct mg_callbacks;
struct mg_connection;
struct mg_context;

namespace fusebox {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
};

// A page.
struct HttpRoute {
  std::string path;                       // Matched as a whole: "/metrics".
  std::string summary;                    // Half a line for people who ask what there is.
  std::function<HttpResponse()> handler;  // Called by several threads at once; must not throw.
};

// One listener and its threads. GET and HEAD only: anything else is answered 405, an unknown path
// 404 with a list of what there is. Says nothing about what it is built with. Thread-safe.
class HttpServer {
 public:
  // `address` is "host:port" with an IPv4 address or a name, or "[host]:port" with an IPv6 address,
  // as ParseTcpAddress() reads it; port 0 takes a free one.
  //
  // The error names the address and --http-listen. INVALID_ARGUMENT: it is not an address, or one
  // that the HTTP library of this build cannot listen on (Debian's has no IPv6). UNAVAILABLE: it is
  // in use, not of this machine, or may not be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(absl::string_view address,
                                                           std::vector<HttpRoute> routes);

  // Stops to listen, and waits for the requests under way.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens: of interest after a start with port 0.
  uint16_t port() const { return port_; }

 private:
  HttpServer(std::string host, std::vector<HttpRoute> routes)
      : host_(std::move(host)), routes_(std::move(routes)) {}

  absl::Status Listen(const std::string& library_address, absl::string_view address);
  HttpResponse Answer(absl::string_view path) const;

  // What the library calls.
  static mg_callbacks Callbacks();
  static int OnRequest(mg_connection* connection);
  static int OnError(mg_connection* connection, int status, const char* message);
  static int OnLog(const mg_connection* connection, const char* message);

  const std::string host_;
  const std::vector<HttpRoute> routes_;
  uint16_t port_ = 0;
  mg_context* context_ = nullptr;

  Mutex mutex_;
  // Of the library: why it could not start, if it could not.
  std::string first_complaint_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_
