#include "core/error.h"

#include <cstddef>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"

namespace fusebox {
namespace {

constexpr size_t kMostQuoted = 80;

// Of violations. A status travels in trailers, where its text stands once plain and, in the
// details, twice more in base64: with these it takes less than the 8 KB that the strictest clients
// accept.
constexpr size_t kMostListed = 20;
constexpr size_t kMostListedBytes = 1'900;
constexpr size_t kMostFieldBytes = 120;
constexpr size_t kMostLineBytes = 400;

constexpr absl::string_view kReason = "fusebox/reason";
constexpr absl::string_view kField = "fusebox/field";

std::string Payload(const absl::Status& status, absl::string_view type) {
  const absl::optional<absl::Cord> payload = status.GetPayload(type);
  return payload.has_value() ? std::string(*payload) : std::string();
}

// One line of at most so many bytes, and no character of UTF-8 by half.
std::string Line(absl::string_view prefix, absl::string_view text, size_t most) {
  constexpr absl::string_view kCut = "...";
  std::string line = absl::StrReplaceAll(absl::StrCat(prefix, text), {{"\n", " "}});
  if (line.size() <= most) return line;
  const auto continues = [&line](size_t i) {
    return (static_cast<unsigned char>(line[i]) & 0xc0) == 0x80;
  };
  size_t end = most - kCut.size();
  while (end > 0 && continues(end)) --end;
  line.resize(end);
  return absl::StrCat(line, kCut);
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view field) {
  absl::Status status(code, message);
  status.SetPayload(kReason, absl::Cord(reason));
  if (!field.empty()) status.SetPayload(kField, absl::Cord(field));
  return status;
}

// Fields are names and messages lines, in turn with the lines of the message.
absl::Status MakeFieldErrors(absl::string_view reason, absl::string_view prefix,
                             const std::vector<FieldError>& errors) {
  std::vector<std::string> fields, lines;
  size_t bytes = 0;
  for (const FieldError& error : errors) {
    std::string field = Line(prefix, error.field, kMostFieldBytes);
    std::string line = Line(prefix, error.message, kMostLineBytes);
    bytes += field.size() + line.size();
    const bool is_over = lines.size() == kMostListed || bytes > kMostListedBytes;
    if (is_over) {
      line = absl::StrCat("and ", errors.size() - lines.size(), " more; mend these first");
    }
    fields.push_back(std::move(field));
    lines.push_back(std::move(line));
    if (is_over) break;
  }
  return MakeError(absl::StatusCode::kInvalidArgument, reason, absl::StrJoin(lines, "\n"),
                   absl::StrJoin(fields, "\n"));
}

std::string ErrorReason(const absl::Status& status) { return Payload(status, kReason); }

std::string ErrorField(const absl::Status& status) {
  const std::string fields = Payload(status, kField);
  return fields.substr(0, fields.find('\n'));
}

std::vector<FieldError> ErrorFields(const absl::Status& status) {
  const std::string payload = Payload(status, kField);
  if (payload.empty()) return {};
  const std::vector<std::string> fields = absl::StrSplit(payload, '\n');
  if (fields.size() == 1) return {{fields[0], std::string(status.message())}};
  const std::vector<std::string> lines = absl::StrSplit(status.message(), '\n');
  std::vector<FieldError> errors;
  for (size_t i = 0; i < fields.size() && i < lines.size(); ++i) {
    errors.push_back({fields[i], lines[i]});
  }
  return errors;
}

std::string QuoteForError(absl::string_view text) {
  constexpr size_t kMostPerByte = 4;
  absl::string_view head = text.substr(0, kMostQuoted);
  std::string shown = absl::CHexEscape(head);
  while (shown.size() > kMostQuoted) {
    head.remove_suffix((shown.size() - kMostQuoted + kMostPerByte - 1) / kMostPerByte);
    shown = absl::CHexEscape(head);
  }
  return absl::StrCat("\"", shown, head.size() < text.size() ? "..." : "", "\"");
}

}  // namespace fusebox
