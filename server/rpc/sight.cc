#include "server/rpc/sight.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"

namespace fusebox {
namespace {

constexpr char kMark = '@';  // Not in a token.

}  // namespace

std::string Sight::Mark(const std::string& token) const {
  const std::string seer = caller_.fingerprint();
  return seer.empty() || token.empty() ? token : absl::StrCat(token, std::string(1, kMark), seer);
}

absl::StatusOr<std::string> Sight::Unmark(const std::string& token) const {
  const std::string seer = caller_.fingerprint();
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(token, absl::MaxSplits(kMark, 1));
  if (seer.empty() || parts.second.empty()) return token;
  if (parts.second == seer) return parts.first;
  return MakeError(absl::StatusCode::kOutOfRange, "RESUME_TOKEN_STALE",
                   "resume_token is of somebody who may read other breakers, or of this caller "
                   "before that changed; watch anew, without it",
                   "resume_token");
}

absl::Status Sight::CheckCurrent() const {
  if (authorizer_->IsCurrent(caller_)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kAborted, "GRANTS_CHANGED",
                   "what this caller is known by or may do has changed; watch anew, without a "
                   "resume token");
}

}  // namespace fusebox
