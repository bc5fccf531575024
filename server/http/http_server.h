// Serves pages over HTTP, and takes what is posted: metrics, health, the status page, calls.
//
//   absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
//       "127.0.0.1:7401", {HealthzRoute(),
//                          {.path = "/metrics",
//                           .summary = "for Prometheus",
//                           .handler = [&](const HttpRequest&) {
//                             return HttpResponse{.body = Render()};
//                           }}},
//       counts);
//
// Bounds: 256 connections, of which those that have said nothing make room for others; 64 bodies
// that are being read, of each route as many requests as it takes, 16 handlers of GETs and 4 of
// POSTs that run at a time, and 64 MiB of long answers that are being written; 5 s to send a header
// and 5 s to send a body, 30 s to take a response; 16 KiB of header, 1 MiB of body. Each connection
// carries one request.
#ifndef FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_
#define FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/http/http_message.h"
#include "server/http/request_counts.h"
#include "server/tls/live_certificate.h"

namespace fusebox {

// One listener and its threads. A method that a route does not take is answered 405, an unknown
// path 404 with a list of what there is, and a body that is too long 413. Says nothing about what
// it is built with. Thread-safe.
class HttpServer {
 public:
  // `address` is "host:port" with an IPv4 address or a name, or "[host]:port" with an IPv6 address,
  // as ParseTcpAddress() reads it; port 0 takes a free one. Of a name's addresses it takes one, of
  // IPv4 if there is any. With a certificate it speaks TLS. That and `counts` must outlive it.
  //
  // The error names the address and --http-listen. INVALID_ARGUMENT: it is not an address; or,
  // naming --http-tls, OpenSSL does not take the certificate.
  // UNAVAILABLE: it is in use, not of this machine, or may not be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      absl::string_view address, std::vector<HttpRoute> routes, RequestCounts& counts,
      const LiveCertificate* certificate = nullptr);

  // Stops to listen. Requests under way get their answers first, those of clients that send or read
  // them within 1 s.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens: of interest after a start with port 0.
  uint16_t port() const;

 private:
  class Listener;

  explicit HttpServer(std::unique_ptr<Listener> listener);

  const std::unique_ptr<Listener> listener_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_HTTP_SERVER_H_
