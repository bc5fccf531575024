#include "core/error.h"

#include <cstddef>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace fusebox {
namespace {

constexpr size_t kMostQuoted = 80;
constexpr absl::string_view kReason = "fusebox/reason";
constexpr absl::string_view kField = "fusebox/field";

std::string Payload(const absl::Status& status, absl::string_view type) {
  const absl::optional<absl::Cord> payload = status.GetPayload(type);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view field) {
  absl::Status status(code, message);
  status.SetPayload(kReason, absl::Cord(reason));
  if (!field.empty()) status.SetPayload(kField, absl::Cord(field));
  return status;
}

std::string ErrorReason(const absl::Status& status) { return Payload(status, kReason); }
std::string ErrorField(const absl::Status& status) { return Payload(status, kField); }

std::string QuoteForError(absl::string_view text) {
  const absl::string_view head = text.substr(0, kMostQuoted);
  return absl::StrCat("\"", absl::CHexEscape(head), head.size() < text.size() ? "..." : "", "\"");
}

}  // namespace fusebox
