#include "proto/yaml/source_map.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

// The path of the field around `path`; empty at the top.
absl::string_view Parent(absl::string_view path) {
  const size_t end = path.find_last_of(".[");
  return end == absl::string_view::npos ? absl::string_view() : path.substr(0, end);
}

}  // namespace

void SourceMap::SetLine(absl::string_view path, int line) { lines_[path] = line; }

void SourceMap::SetOrigin(absl::string_view path, absl::string_view origin) {
  origins_[path] = std::string(origin);
}

int SourceMap::Line(absl::string_view path) const {
  for (; !path.empty(); path = Parent(path)) {
    if (const auto line = lines_.find(path); line != lines_.end()) return line->second;
  }
  return 0;
}

absl::string_view SourceMap::Origin(absl::string_view path) const {
  for (; !path.empty(); path = Parent(path)) {
    if (const auto origin = origins_.find(path); origin != origins_.end()) return origin->second;
  }
  return "";
}

std::string SourceMap::Locate(absl::string_view path) const {
  if (const absl::string_view origin = Origin(path); !origin.empty()) return std::string(origin);
  const int line = Line(path);
  return line == 0 ? file_ : absl::StrCat(file_, ":", line);
}

std::string SourceMap::Name(absl::string_view path) const {
  const std::string location = Locate(path);
  if (location.empty()) return std::string(path);
  return Origin(path).empty() ? absl::StrCat(location, ": ", path) : location;
}

}  // namespace fusebox
