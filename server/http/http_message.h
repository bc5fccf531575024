#ifndef FUSEBOX_SERVER_HTTP_HTTP_MESSAGE_H_
#define FUSEBOX_SERVER_HTTP_HTTP_MESSAGE_H_

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// A request as it came: nothing in it is checked but its size.
struct HttpRequest {
  std::string method;
  std::string path;   // Without the query, and with what was encoded in it decoded.
  std::string query;  // Still encoded.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string peer;  // The address it came from, without a port.

  // The first header of this name, which may be in any case; empty if there is none.
  absl::string_view Header(absl::string_view name) const;
  bool HasHeader(absl::string_view name) const;
  // All of this name, in the order in which they came.
  std::vector<std::string> Headers(absl::string_view name) const;
  // The first such value of the query, decoded; empty if there is none.
  std::string Query(absl::string_view name) const;
  // What the query has values for, decoded, in its order.
  std::vector<std::string> QueryNames() const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  // More headers; of their values none may have a line end.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// Takes who makes the answer to a request, once and on any thread; that is then called on a thread
// for handlers. Who never calls it leaves the client without an answer.
using HttpAnswer = absl::AnyInvocable<void(absl::AnyInvocable<HttpResponse()>)>;

// A page, or what somebody may post to.
struct HttpRoute {
  enum class Method { kGet, kPost };  // With GET comes HEAD.

  // Matched as a whole: "/metrics"; or, if it ends with "/" and is longer than that, as the
  // beginning of a longer one.
  std::string path;
  std::string summary;  // Half a line for people who ask what there is.
  // This or `begin`. Called by several threads at once; must not throw.
  std::function<HttpResponse(const HttpRequest&)> handler;
  Method method = Method::kGet;
  // For who has to wait for the answer, and does so without a thread.
  std::function<void(HttpRequest, HttpAnswer)> begin = nullptr;
  // Called on the one thread that serves all connections, so that it is answered whatever the
  // others are at: it neither waits nor works.
  bool at_once = false;
  // So many at a time, from when they have been read until they are answered; others get a 429.
  size_t most = std::numeric_limits<size_t>::max();
  // What to answer instead, if anything; asked before a body is read.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> refuse = nullptr;

  bool Matches(absl::string_view requested) const;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_HTTP_MESSAGE_H_
