// Reads YAML into protobuf messages and writes it back, by reflection: a field that is added to a
// message is a key of the file with no further code.
//
//   SourceMap sources;
//   ConfigFile config;
//   absl::Status status = ReadYaml("fusebox.yaml", text, &config, &sources);
//   // fusebox.yaml:14: policies[2].circuit_breaker.open_duration is "30"; write a duration with a
//   // unit, like 30s or 500ms
//
//   field            YAML
//   scalar, enum,    a scalar, as field_text.h describes
//   Duration,
//   Timestamp
//   message          a map whose keys are field names
//   repeated         a list
//   map<>            a map
//   oneof            at most one of its fields
//
// A key without a value leaves a message, list or map unset; any other key needs one. Anchors and
// aliases work; merge keys ("<<") and several documents in one text do not.
//
// All functions are thread-safe for distinct messages.
#ifndef FUSEBOX_PROTO_YAML_YAML_H_
#define FUSEBOX_PROTO_YAML_YAML_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "proto/yaml/source_map.h"

namespace fusebox {

// How large a text may be, in bytes.
inline constexpr size_t kMaxYamlBytes = 4 << 20;
// How many values it may hold once its aliases are expanded.
inline constexpr int kMaxYamlValues = 200'000;
// How deep its values may be nested.
inline constexpr int kMaxYamlDepth = 32;
// How many errors are reported at once.
inline constexpr int kMaxYamlErrors = 20;

// Replaces `message` by what `text` says and `sources` by where it says so. `file` names the text
// in errors; nothing is opened. An empty text is an empty message.
//
// INVALID_ARGUMENT: the text is too large, is no YAML, or has unknown or repeated keys or bad
// values. The error has a line for each, up to kMaxYamlErrors, in order of appearance, and the
// message holds what could be read.
absl::Status ReadYaml(absl::string_view file, absl::string_view text,
                      google::protobuf::Message* message, SourceMap* sources);

// The message as YAML that ReadYaml() reads back to an equal message. Fields come in the order of
// their numbers, and map entries in the order of their keys; fields that are not set are left out.
std::string WriteYaml(const google::protobuf::Message& message);

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_YAML_YAML_H_
