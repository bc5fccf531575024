// Turns one value of a message's field into text and back. Flags, environment variables and YAML
// scalars all come through here, so that a value is written the same way everywhere.
//
//   SetFieldFromText(&options, idle_ttl, "1h30m")
//   SetFieldFromText(&options, idle_ttl, "30")
//       // INVALID_ARGUMENT: is "30"; write a duration with a unit, like 30s or 500ms
//
//   kind       text
//   bool       true, false
//   integer    decimal digits, with a sign where the type has one
//   double     digits, with a fraction or an exponent; finite
//   enum       a value's name in any case, whole or without the type's prefix: OUTCOME_FAILURE,
//              FAILURE, failure; never the UNSPECIFIED one
//   Duration   numbers with units as absl::ParseDuration reads them: 30s, 100ms, 1h30m; or 0
//   Timestamp  RFC 3339, with its zone: 2026-02-03T04:05:06.5Z
//   string     itself, in UTF-8
//   bytes      base64
//
// Fields must belong to generated messages. Thread-safe for distinct messages.
#ifndef FUSEBOX_PROTO_YAML_FIELD_TEXT_H_
#define FUSEBOX_PROTO_YAML_FIELD_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace fusebox {

// Whether the field's values are single texts, as in the table above; other messages are not.
bool IsTextField(const google::protobuf::FieldDescriptor* field);

// Whether the field is a google.protobuf.Duration.
bool IsDurationField(const google::protobuf::FieldDescriptor* field);

// Sets the field, or appends to it if it is repeated. Requires IsTextField(field).
//
// On error the field stays as it was, and the message is what is wrong, to be put after the name of
// the thing: `is "30"; write a duration with a unit, like 30s or 500ms` (INVALID_ARGUMENT).
absl::Status SetFieldFromText(google::protobuf::Message* message,
                              const google::protobuf::FieldDescriptor* field,
                              absl::string_view text);

// The inverse, for the field or, if it is repeated, for its element `index`. A double is written
// with the fewest digits that read back as the same number. Requires IsTextField(field).
std::string FieldToText(const google::protobuf::Message& message,
                        const google::protobuf::FieldDescriptor* field, int index = 0);

// The short names that an enum field may be set to.
std::vector<std::string> EnumChoices(const google::protobuf::EnumDescriptor* type);

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_YAML_FIELD_TEXT_H_
