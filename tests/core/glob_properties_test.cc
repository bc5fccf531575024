// Random globs against random names: what one glob is said to hold against another.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "core/glob.h"

namespace fusebox {
namespace {

using Segments = std::vector<std::string>;

Segments DrawSegments(const Segments& of, int most) {
  return *rc::gen::resize(most,
                          rc::gen::nonEmpty(rc::gen::container<Segments>(rc::gen::elementOf(of))));
}

// A run of ** is no glob: one says as much.
Glob Join(const Segments& segments) {
  Segments kept;
  for (const std::string& segment : segments) {
    if (segment != "**" || kept.empty() || kept.back() != "**") kept.push_back(segment);
  }
  return *Glob::Parse(absl::StrJoin(kept, "/"));
}

Glob DrawGlob() { return Join(DrawSegments({"a", "ab", "b", "a*", "ab*", "*", "**"}, 6)); }

std::string DrawName() { return absl::StrJoin(DrawSegments({"a", "ab", "abc", "b", "c"}, 7), "/"); }

RC_GTEST_PROP(GlobProperties, ACoveredGlobMatchesNoFurtherName, ()) {
  const Glob wide = DrawGlob(), narrow = DrawGlob();
  const bool covers = wide.Covers(narrow);
  for (int i = 0; i < 20; ++i) {
    const std::string name = DrawName();
    if (narrow.Matches(name) && !wide.Matches(name)) RC_ASSERT(!covers);
  }
}

// Whichever segment becomes a wider one.
RC_GTEST_PROP(GlobProperties, AGlobCoversWhatItGeneralizes, ()) {
  Segments segments = DrawSegments({"a", "ab", "b", "a*", "ab*", "*", "**"}, 6);
  const Glob narrow = Join(segments);
  std::string& segment = segments[*rc::gen::inRange<size_t>(0, segments.size())];
  segment = segment[0] == 'a' ? *rc::gen::element<std::string>("a*", "*", "**") : "**";
  RC_ASSERT(Join(segments).Covers(narrow));
}

RC_GTEST_PROP(GlobProperties, AGlobCoversItselfAndIsCoveredByAll, ()) {
  const Glob glob = DrawGlob();
  RC_ASSERT(glob.Covers(glob));
  RC_ASSERT(Glob::All().Covers(glob));
}

RC_GTEST_PROP(GlobProperties, WhatIsCoveredOverlaps, ()) {
  const Glob a = DrawGlob(), b = DrawGlob();
  if (a.Covers(b)) RC_ASSERT(a.Overlaps(b));
}

}  // namespace
}  // namespace fusebox
