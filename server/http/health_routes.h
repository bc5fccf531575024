// The pages that orchestrators and load balancers ask.
//
//   HttpServer::Start(address, {HealthzRoute(), ReadyzRoute(why_not, warning)});
#ifndef FUSEBOX_SERVER_HTTP_HEALTH_ROUTES_H_
#define FUSEBOX_SERVER_HTTP_HEALTH_ROUTES_H_

#include <functional>
#include <string>

#include "server/http/http_message.h"

namespace fusebox {

// /healthz: 200 "ok" for as long as the process lives. Who gets no answer should restart it.
HttpRoute HealthzRoute();

// /readyz: 200 "ready", or 503 and the reason. Who gets that should send no new work.
//
// `why_not` says why the server takes no new work, "draining"; empty if it does. `warning` says
// what is wrong though it does, and is told with "ready". Both are called by several threads at
// once.
HttpRoute ReadyzRoute(std::function<std::string()> why_not, std::function<std::string()> warning);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_HEALTH_ROUTES_H_
