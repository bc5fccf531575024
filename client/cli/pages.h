// Reads lists that come in pages.
#ifndef FUSEBOX_CLIENT_CLI_PAGES_H_
#define FUSEBOX_CLIENT_CLI_PAGES_H_

#include <grpcpp/grpcpp.h>

#include "client/cli/channel.h"

namespace fusebox::cli {

// The most that a server gives at once.
inline constexpr int kPageSize = 1000;

// Asks for page after page and gives each to `take`, until it returns false or there are no more.
// Returns the first error. Each page has the connection's whole time-out.
//
//   const grpc::Status status = EachPage(cli.server, &v1::AdminService::Stub::ListPolicies,
//   request,
//                                        [&](const v1::ListPoliciesResponse& page) { ... });
template <typename Stub, typename Request, typename Response, typename Take>
grpc::Status EachPage(Connection& server,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      Request request, const Take& take) {
  if (request.page_size() == 0) request.set_page_size(kPageSize);
  while (true) {
    Response page;
    grpc::Status status = server.Call(method, request, &page);
    if (!status.ok() || !take(page) || page.next_page_token().empty()) return status;
    request.set_page_token(page.next_page_token());
  }
}

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_PAGES_H_
