// Remembers where each field of a configuration came from, so that an error found later can say so.
//
//   sources.Name("policies[2].circuit_breaker.open_duration")
//       // "fusebox.yaml:14: policies[2].circuit_breaker.open_duration"
//   sources.Name("server.max_breakers")   // "--max-breakers", if the flag set it
//   sources.Locate("policies[2].circuit_breaker.open_duration")   // "fusebox.yaml:14"
//
// A path is made of field names and dots, of "[i]" for the i-th element of a list (from 0) and of
// ".key" for an entry of a map. Lines count from 1. Thread-compatible.
#ifndef FUSEBOX_PROTO_YAML_SOURCE_MAP_H_
#define FUSEBOX_PROTO_YAML_SOURCE_MAP_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace fusebox {

class SourceMap {
 public:
  // Of no file.
  SourceMap() = default;

  // Of a file, named as its reader knows it.
  explicit SourceMap(absl::string_view file) : file_(file) {}

  // The file sets `path` in `line`.
  void SetLine(absl::string_view path, int line);

  // Something other than the file has the last word on `path` and all below it: a flag, an
  // environment variable. `origin` is how people know it: "--max-breakers".
  void SetOrigin(absl::string_view path, absl::string_view origin);

  // Whether the file sets `path`, to whatever value.
  bool HasLine(absl::string_view path) const { return lines_.contains(path); }

  // The line that sets `path`, else the nearest field around it, else 0.
  int Line(absl::string_view path) const;

  // What to put before an error that already names its field: the origin; else file and line, of
  // the nearest field around it if the file does not set it; else the file; empty without one.
  std::string Locate(absl::string_view path) const;

  // What an error about `path` begins with: the origin, or else the location and the path.
  std::string Name(absl::string_view path) const;

 private:
  // The origin of `path` or of what is around it; empty without.
  absl::string_view Origin(absl::string_view path) const;

  std::string file_;
  absl::flat_hash_map<std::string, int> lines_;
  absl::flat_hash_map<std::string, std::string> origins_;
};

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_YAML_SOURCE_MAP_H_
