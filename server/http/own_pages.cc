#include "server/http/own_pages.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/error.h"

namespace fusebox {
namespace {

// "127.0.0.1:7401" without its port, "[::1]" without its brackets.
std::string NameOf(absl::string_view host) {
  if (absl::ConsumePrefix(&host, "[")) return std::string(host.substr(0, host.find(']')));
  return std::string(host.substr(0, host.find(':')));
}

bool IsNamed(absl::string_view host, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [name = NameOf(host)](const std::string& each) {
    return absl::EqualsIgnoreCase(name, each);
  });
}

bool IsOurs(absl::string_view host, const std::vector<std::string>& names) {
  const std::string name = NameOf(host);
  in6_addr unused;
  return absl::EqualsIgnoreCase(name, "localhost") || IsNamed(host, names) ||
         inet_pton(AF_INET, name.c_str(), &unused) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &unused) == 1;
}

// Browsers send "Origin" wherever a page could do harm; "null" is a page that hides its own.
bool IsFromElsewhere(const HttpRequest& request, const std::vector<std::string>& names) {
  if (!request.HasHeader("Origin")) return false;
  absl::string_view origin = request.Header("Origin");
  if (!absl::ConsumePrefix(&origin, "https://")) absl::ConsumePrefix(&origin, "http://");
  return !absl::EqualsIgnoreCase(origin, request.Header("Host")) && !IsNamed(origin, names);
}

HttpResponse Refuse(int status, std::string why) {
  return {.status = status, .body = std::move(why)};
}

}  // namespace

HttpRoute ForOwnPages(HttpRoute route, std::vector<std::string> names) {
  auto refuse_before = std::move(route.refuse);
  route.refuse = [refuse_before = std::move(refuse_before), names = std::move(names)](
                     const HttpRequest& request) -> std::optional<HttpResponse> {
    const absl::string_view host = request.Header("Host");
    if (!IsOurs(host, names)) {
      return Refuse(421, absl::StrCat("The request is for ", QuoteForError(host),
                                      "; ask for this server by its address or as localhost, or "
                                      "start it with --http-name for a name\n"));
    }
    if (IsFromElsewhere(request, names)) {
      return Refuse(403, absl::StrCat("A page of ", QuoteForError(request.Header("Origin")),
                                      " may not use this server from within a browser\n"));
    }
    return refuse_before == nullptr ? std::nullopt : refuse_before(request);
  };
  return route;
}

}  // namespace fusebox
