#include "server/rpc/page_token.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/rpc/list_request.h"

namespace fusebox {

std::string MakePageToken(Slot cursor, uint64_t life) { return absl::StrCat(life, "-", cursor); }

absl::StatusOr<Slot> OpenPageToken(absl::string_view token, uint64_t life) {
  if (token.empty()) return Slot{0};
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '-');
  uint64_t made_by = 0;
  Slot cursor = 0;
  if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &made_by) &&
      absl::SimpleAtoi(parts[1], &cursor) && made_by == life) {
    return cursor;
  }
  return BadPageToken();
}

}  // namespace fusebox
