#ifndef FUSEBOX_SERVER_RPC_SIGHT_H_
#define FUSEBOX_SERVER_RPC_SIGHT_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/identity/authorizer.h"

namespace fusebox {

// What the caller of a stream may see, for as long as that does not change. Thread-safe.
class Sight {
 public:
  // Everything, for ever.
  Sight() = default;

  // What the caller may read. `authorizer` must outlive it.
  Sight(const Authorizer& authorizer, Caller caller)
      : authorizer_(&authorizer), caller_(std::move(caller)) {}

  bool Sees(absl::string_view breaker) const { return caller_.May(Role::kReader, breaker); }

  // A resume token that is only good for who sees the same, and what was marked. The error is
  // OUT_OF_RANGE with reason RESUME_TOKEN_STALE: who resumes sees what changed since, and nothing
  // of what has only come into sight.
  std::string Mark(const std::string& token) const;
  absl::StatusOr<std::string> Unmark(const std::string& token) const;

  // ABORTED with reason GRANTS_CHANGED once the caller is not who it was.
  absl::Status CheckCurrent() const;

 private:
  const Authorizer* authorizer_ = &Authorizer::Open();
  Caller caller_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_SIGHT_H_
