#ifndef FUSEBOX_TESTS_CORE_RANDOM_GLOBS_H_
#define FUSEBOX_TESTS_CORE_RANDOM_GLOBS_H_

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/glob.h"

namespace fusebox {

using Segments = std::vector<std::string>;

// Of so few kinds that globs often meet each other and names.
inline Segments DrawSegments(const Segments& of, int most) {
  return *rc::gen::resize(most,
                          rc::gen::nonEmpty(rc::gen::container<Segments>(rc::gen::elementOf(of))));
}

inline Segments DrawGlobSegments(int most = 6) {
  return DrawSegments({"a", "ab", "b", "a*", "ab*", "*", "**"}, most);
}

// A run of ** is no glob: one says as much.
inline Glob Join(const Segments& segments) {
  Segments kept;
  for (const std::string& segment : segments) {
    if (segment != "**" || kept.empty() || kept.back() != "**") kept.push_back(segment);
  }
  return *Glob::Parse(absl::StrJoin(kept, "/"));
}

inline Glob DrawGlob(int most = 6) { return Join(DrawGlobSegments(most)); }

inline std::string DrawName() {
  return absl::StrJoin(DrawSegments({"a", "ab", "abc", "b", "c"}, 7), "/");
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_RANDOM_GLOBS_H_
