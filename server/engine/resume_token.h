#ifndef FUSEBOX_SERVER_ENGINE_RESUME_TOKEN_H_
#define FUSEBOX_SERVER_ENGINE_RESUME_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// Where a watch goes on that broke off: behind the change with this number. Numbers mean nothing to
// another life of the server, and what was left out for one `match` is missing under another, so a
// token carries both.
//
//   MakeResumeToken(/*life=*/1'000, /*number=*/42, "db/*")           // "1000-42-1f0c5ab9e2d47a63"
//   OpenResumeToken("1000-42-1f0c5ab9e2d47a63", 1'000, "db/*")       // 42
//   OpenResumeToken("1000-42-1f0c5ab9e2d47a63", 1'001, "db/*")       // RESUME_TOKEN_STALE
//   OpenResumeToken("1000-42-1f0c5ab9e2d47a63", 1'000, "cache/*")    // RESUME_TOKEN_INVALID
std::string MakeResumeToken(uint64_t life, uint64_t number, absl::string_view match);

// The number. Errors: OUT_OF_RANGE with reason RESUME_TOKEN_STALE if another life made it,
// INVALID_ARGUMENT with reason RESUME_TOKEN_INVALID if it is for another match or no token.
absl::StatusOr<uint64_t> OpenResumeToken(absl::string_view token, uint64_t life,
                                         absl::string_view match);

// The errors. `why` goes on after "resume_token ".
absl::Status InvalidResumeToken(absl::string_view why);
absl::Status StaleResumeToken(absl::string_view why);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_RESUME_TOKEN_H_
