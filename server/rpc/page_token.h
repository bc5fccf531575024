#ifndef FUSEBOX_SERVER_RPC_PAGE_TOKEN_H_
#define FUSEBOX_SERVER_RPC_PAGE_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/registry/registry.h"

namespace fusebox {

// Where a listing goes on. Slots mean nothing to another life of the server, so a token carries the
// life that made it.
std::string MakePageToken(Slot cursor, uint64_t life);

// The start for an empty token. The error is INVALID_ARGUMENT with reason PAGE_TOKEN_INVALID.
absl::StatusOr<Slot> OpenPageToken(absl::string_view token, uint64_t life);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_PAGE_TOKEN_H_
