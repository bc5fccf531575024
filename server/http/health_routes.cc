#include "server/http/health_routes.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fusebox {

HttpRoute HealthzRoute() {
  return {.path = "/healthz",
          .summary = "whether the process lives",
          .handler = [](const HttpRequest&) { return HttpResponse{.body = "ok\n"}; },
          .at_once = true};
}

HttpRoute ReadyzRoute(std::function<std::string()> why_not, std::function<std::string()> warning) {
  return {.path = "/readyz",
          .summary = "whether it takes work",
          .handler =
              [why_not = std::move(why_not), warning = std::move(warning)](const HttpRequest&) {
                const std::string reason = why_not();
                if (!reason.empty()) {
                  return HttpResponse{.status = 503, .body = absl::StrCat(reason, "\n")};
                }
                const std::string problem = warning();
                if (problem.empty()) return HttpResponse{.body = "ready\n"};
                return HttpResponse{.body = absl::StrCat("ready\nnot durable: ", problem, "\n")};
              },
          .at_once = true};
}

}  // namespace fusebox
