#ifndef FUSEBOX_CORE_ERROR_H_
#define FUSEBOX_CORE_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// An error with a stable reason in UPPER_SNAKE_CASE for programs, and a message for people that
// names the thing, the value and the remedy. `field` is the field of the request at fault, if one
// is. The edges turn it into ErrorInfo and BadRequest.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view field = "");

// The reason and the field that MakeError was given; empty without.
std::string ErrorReason(const absl::Status& status);
std::string ErrorField(const absl::Status& status);

// `text` as a message shows it, whoever it comes from: in quotes, everything but printable ASCII
// escaped, and no more than 80 bytes of it. Messages end in terminals, logs and trailers.
//
//   QuoteForError("db/orders")      // "db/orders"
//   QuoteForError("Caf\xc3\xa9\n")  // "Caf\xc3\xa9\n"
std::string QuoteForError(absl::string_view text);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_ERROR_H_
