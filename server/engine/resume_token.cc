#include "server/engine/resume_token.h"

#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"

namespace fusebox {
namespace {

constexpr absl::string_view kField = "resume_token";

// Differs from process to process, and so do lives.
std::string DigestOf(absl::string_view match) {
  return absl::StrCat(absl::Hex(absl::HashOf(match), absl::kZeroPad16));
}

}  // namespace

std::string MakeResumeToken(uint64_t life, uint64_t number, absl::string_view match) {
  return absl::StrCat(life, "-", number, "-", DigestOf(match));
}

absl::StatusOr<uint64_t> OpenResumeToken(absl::string_view token, uint64_t life,
                                         absl::string_view match) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '-');
  uint64_t made_by = 0, number = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &made_by) ||
      !absl::SimpleAtoi(parts[1], &number)) {
    return InvalidResumeToken(absl::StrCat("is ", QuoteForError(token), ", which no watch gave"));
  }
  if (made_by != life) return StaleResumeToken("is of another life of the server");
  if (parts[2] != DigestOf(match)) {
    return InvalidResumeToken(
        absl::StrCat("is of a watch with another match than ", QuoteForError(match)));
  }
  return number;
}

absl::Status InvalidResumeToken(absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "RESUME_TOKEN_INVALID",
                   absl::StrCat("resume_token ", why,
                                "; send, unchanged, the last one of a watch with the same match, "
                                "or none to watch anew"),
                   kField);
}

absl::Status StaleResumeToken(absl::string_view why) {
  return MakeError(absl::StatusCode::kOutOfRange, "RESUME_TOKEN_STALE",
                   absl::StrCat("resume_token ", why, "; watch anew, without it"), kField);
}

}  // namespace fusebox
