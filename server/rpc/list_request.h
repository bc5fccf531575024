#ifndef FUSEBOX_SERVER_RPC_LIST_REQUEST_H_
#define FUSEBOX_SERVER_RPC_LIST_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/glob.h"

namespace fusebox {

// What requests for lists have in common. Errors are INVALID_ARGUMENT.

// All for an empty one. The reason is GLOB_INVALID.
absl::StatusOr<Glob> ParseMatch(const std::string& match);

// 100 for 0; at most 1,000. The reason is PAGE_SIZE_INVALID.
absl::StatusOr<size_t> PageSize(int32_t page_size);

// `page_token` is none that was given out: PAGE_TOKEN_INVALID.
absl::Status BadPageToken();

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_LIST_REQUEST_H_
