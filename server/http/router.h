#ifndef FUSEBOX_SERVER_HTTP_ROUTER_H_
#define FUSEBOX_SERVER_HTTP_ROUTER_H_

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/http/http_message.h"

namespace fusebox {

// Finds who answers a request. Thread-safe.
class Router {
 public:
  explicit Router(std::vector<HttpRoute> routes) : routes_(std::move(routes)) {}

  const std::vector<HttpRoute>& routes() const { return routes_; }

  // Whose handler is to answer a request, of which the body need not be there yet; or the answer,
  // if no handler is to be asked: 404 with a list of what there is, 405 with the methods that are
  // taken, or the route's own refusal.
  std::variant<const HttpRoute*, HttpResponse> Find(const HttpRequest& request) const;

 private:
  HttpResponse NoSuchPage(absl::string_view path) const;

  const std::vector<HttpRoute> routes_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_ROUTER_H_
