#include "server/http/router.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

bool IsFor(const HttpRoute& route, absl::string_view method) {
  if (route.method == HttpRoute::Method::kPost) return method == "POST";
  return method == "GET" || method == "HEAD";
}

HttpResponse WrongMethod(absl::string_view method, const HttpRoute& route) {
  const bool is_post = route.method == HttpRoute::Method::kPost;
  return {.status = 405,
          .body = absl::StrCat(QuoteForError(method), " is not for this page; use ",
                               is_post ? "POST" : "GET or HEAD", "\n"),
          .headers = {{"Allow", is_post ? "POST" : "GET, HEAD"}}};
}

}  // namespace

std::variant<const HttpRoute*, HttpResponse> Router::Find(const HttpRequest& request) const {
  const HttpRoute* found = nullptr;
  for (const HttpRoute& route : routes_) {
    if (!route.Matches(request.path)) continue;
    found = &route;
    if (IsFor(route, request.method)) break;
  }
  if (found == nullptr) return NoSuchPage(request.path);
  if (!IsFor(*found, request.method)) return WrongMethod(request.method, *found);
  if (found->refuse != nullptr) {
    if (std::optional<HttpResponse> refusal = found->refuse(request)) return *std::move(refusal);
  }
  return found;
}

HttpResponse Router::NoSuchPage(absl::string_view path) const {
  HttpResponse response{.status = 404};
  response.body = absl::StrCat("There is no page ", QuoteForError(path), ". There are:\n");
  for (const HttpRoute& route : routes_) {
    absl::StrAppend(&response.body, "  ", route.path, "  ", route.summary, "\n");
  }
  return response;
}

}  // namespace fusebox
