#ifndef FUSEBOX_SERVER_PAGES_ASSETS_H_
#define FUSEBOX_SERVER_PAGES_ASSETS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace fusebox {

// A file of `web`, as it is built into the program.
struct Asset {
  absl::string_view name;  // "app.js"
  absl::string_view content_type;
  absl::string_view body;
};

absl::Span<const Asset> Assets();
// Null if there is none.
const Asset* FindAsset(absl::string_view name);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_PAGES_ASSETS_H_
