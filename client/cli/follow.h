// Follows breakers as they change.
#ifndef FUSEBOX_CLIENT_CLI_FOLLOW_H_
#define FUSEBOX_CLIENT_CLI_FOLLOW_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "client/cli/channel.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// Watches the breakers that `match` covers and gives each event to `take`, until that returns
// false. Returns OK then, and else why the watch ended: DEADLINE_EXCEEDED after `limit`, and
// UNAVAILABLE if the server ended it in peace, as a watch has no end of its own.
grpc::Status Follow(Connection& server, const std::string& match, absl::Duration limit,
                    const std::function<bool(const v1::WatchBreakersResponse&)>& take);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_FOLLOW_H_
