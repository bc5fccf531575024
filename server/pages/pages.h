#ifndef FUSEBOX_SERVER_PAGES_PAGES_H_
#define FUSEBOX_SERVER_PAGES_PAGES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/engine/engine.h"
#include "server/gateway/gateway.h"
#include "server/http/http_message.h"
#include "server/identity/authorizer.h"
#include "server/pages/board.h"
#include "server/pages/pages.pb.h"

namespace fusebox {

// The status page and its twin in JSON.
//
//   /                       all breakers, for people
//   /breaker?name=NAME      one of them
//   /json/breakers          the same for programs: ?filter=&state=OPEN&overridden=1&offset=&limit=
//   /json/breaker?name=NAME&history=500
//
// The page itself is the same for everybody; what it shows is asked for in JSON, with the caller's
// token, by the roles that hold for gRPC. It changes things by posting to the gateway. Thread-safe.
class Pages {
 public:
  // Fills in what the pages cannot know of their server.
  using Describe = std::function<void(http::v1::ServerCondition&)>;

  // All must outlive it.
  Pages(Engine& engine, const Authorizer& authorizer, Gateway& gateway, Describe describe)
      : engine_(engine),
        authorizer_(authorizer),
        gateway_(gateway),
        describe_(std::move(describe)),
        board_(engine) {}

  std::vector<HttpRoute> Routes();

  // Gives up what nobody looks at any more. To be called every second or so.
  void Maintain() { board_.Forget(); }

 private:
  absl::StatusOr<Caller> Check(const HttpRequest& request, const Scope& scope) const;
  HttpResponse ShowBoard(const HttpRequest& request);
  HttpResponse ShowBreaker(const HttpRequest& request);
  grpc::Status AddHistory(const HttpRequest& request, int limit, http::v1::BreakerPage& page);

  Engine& engine_;
  const Authorizer& authorizer_;
  Gateway& gateway_;
  const Describe describe_;
  Board board_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_PAGES_PAGES_H_
