#ifndef FUSEBOX_CLIENT_CPP_LOCAL_ALONE_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_ALONE_H_

#include "core/policy.h"

namespace fusebox::internal {

// The policy of a fleet as one client applies it that is alone, and has `share` of the fleet's
// numbers to itself (more than 0, at most 1). What counts calls is multiplied by it: minimum_calls
// (but not below 5), rate limits, max_concurrent, queues and the least of a retry budget. Nothing
// gets to 0, which would switch it off. Shares of calls and runs of failures stay, and there is
// only one client to ask.
Policy Alone(const Policy& fleet, double share);

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_ALONE_H_
