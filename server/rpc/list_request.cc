#include "server/rpc/list_request.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

absl::StatusOr<Glob> ParseMatch(const std::string& match) {
  if (match.empty()) return Glob::All();
  absl::StatusOr<Glob> glob = Glob::Parse(match);
  if (glob.ok()) return glob;
  return MakeError(absl::StatusCode::kInvalidArgument, "GLOB_INVALID",
                   absl::StrCat("match is ", QuoteForError(match), "; ", glob.status().message()),
                   "match");
}

absl::StatusOr<size_t> PageSize(int32_t page_size) {
  constexpr int kDefault = 100, kMax = 1000;
  if (page_size >= 0 && page_size <= kMax) return page_size == 0 ? kDefault : page_size;
  return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_SIZE_INVALID",
                   absl::StrCat("page_size is ", page_size, "; set it between 1 and ", kMax,
                                ", or to 0 for ", kDefault),
                   "page_size");
}

absl::Status BadPageToken() {
  return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                   "page_token is not one of this server since its start; list again from the "
                   "first page, without a token",
                   "page_token");
}

}  // namespace fusebox
