// Serves pages over HTTP, and takes what is posted: metrics, health, the status page, calls.
//
//   absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
//       "127.0.0.1:7401", {HealthzRoute(),
//                          {.path = "/metrics",
//                           .summary = "for Prometheus",
//                           .handler = [&](const HttpRequest&) {
//                             return HttpResponse{.body = Render()};
//                           }}});
//
// Bounds: 16 requests at a time, of which 8 may be POSTs, and 64 connections that wait; 5 s to send
// a header and 5 s to send a body, 30 s to take a response (or as long as its reader takes for
// 16 KiB of it, a byte at a time); 16 KiB of header, 1 MiB of body. Each connection carries one
// request. A body has a length: chunks are refused with 411.
#ifndef FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_
#define FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/http/http_message.h"
#include "server/sync/mutex.h"

struct mg_callbacks;
struct mg_connection;
struct mg_context;
struct mg_request_info;

namespace fusebox {

// One listener and its threads. A method that a route does not take is answered 405, an unknown
// path 404 with a list of what there is, and a body that is too long 413. Says nothing about what
// it is built with. Thread-safe.
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

  // Stops to listen. Requests under way get their answers first, those of clients that send or read
  // them within 1 s.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens: of interest after a start with port 0.
  uint16_t port() const { return port_; }

 private:
  HttpServer(std::string host, std::vector<HttpRoute> routes)
      : host_(std::move(host)), routes_(std::move(routes)) {}

  absl::Status Listen(const std::string& library_address, absl::string_view address);
  HttpResponse Answer(const mg_request_info& info, mg_connection& connection);
  HttpResponse AnswerPost(const HttpRoute& route, HttpRequest& request, mg_connection& connection);
  HttpResponse NoSuchPage(absl::string_view path) const;
  void Begin();
  void End();
  void WaitForEnds();

  // What the library calls.
  static mg_callbacks Callbacks();
  static int OnRequest(mg_connection* connection);
  static int OnError(mg_connection* connection, int status, const char* message);
  static int OnLog(const mg_connection* connection, const char* message);

  const std::string host_;
  const std::vector<HttpRoute> routes_;
  uint16_t port_ = 0;
  mg_context* context_ = nullptr;

  std::atomic<int> posts_{0};  // Under way.
  std::mutex under_way_mutex_;
  std::condition_variable none_under_way_;
  int under_way_ = 0;  // Requests of any kind.
  Mutex mutex_;
  // Of the library: why it could not start, if it could not.
  std::string first_complaint_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_
