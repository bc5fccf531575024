#ifndef FUSEBOX_PROTO_CONVERT_BAD_FIELD_H_
#define FUSEBOX_PROTO_CONVERT_BAD_FIELD_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error.h"

namespace fusebox {

// What is wrong with one field of a request: INVALID_ARGUMENT with `reason`.
inline absl::Status BadField(absl::string_view reason, absl::string_view field,
                             absl::string_view value, absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason,
                   absl::StrCat(field, " is ", value, "; ", remedy), field);
}

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_CONVERT_BAD_FIELD_H_
