#ifndef FUSEBOX_CORE_ERROR_H_
#define FUSEBOX_CORE_ERROR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// An error with a stable reason in UPPER_SNAKE_CASE for programs, and a message for people that
// names the thing, the value and the remedy. `field` is the field of the request at fault, if one
// is. The edges turn it into ErrorInfo and BadRequest.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view field = "");

// What is wrong with a field: `message` names the field, the value and the remedy.
struct FieldError {
  std::string field;  // As in the schema: "circuit_breaker.open_duration".
  std::string message;

  friend bool operator==(const FieldError&, const FieldError&) = default;
};

// INVALID_ARGUMENT for all of them, with a line each; there must be one. Each field is put behind
// `prefix`, which is where they stand in the request. Of many no more than 20 are listed, and no
// more than fit into the trailers of a call; then one says "and N more", at the first left out.
absl::Status MakeFieldErrors(absl::string_view reason, absl::string_view prefix,
                             const std::vector<FieldError>& errors);

// The reason and the (first) field that the error was made with; empty without.
std::string ErrorReason(const absl::Status& status);
std::string ErrorField(const absl::Status& status);

// Every field at fault with its message; empty without.
std::vector<FieldError> ErrorFields(const absl::Status& status);

// `text` as a message shows it, whoever it comes from: in quotes, everything but printable ASCII
// escaped, and no more of it than 80 bytes show. Messages end in terminals, logs and trailers.
//
//   QuoteForError("db/orders")      // "db/orders"
//   QuoteForError("Caf\xc3\xa9\n")  // "Caf\xc3\xa9\n"
std::string QuoteForError(absl::string_view text);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_ERROR_H_
