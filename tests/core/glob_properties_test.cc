// Random globs against random names: what one glob is said to hold against another.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

#include "core/glob.h"
#include "core/random_globs.h"

namespace fusebox {
namespace {

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
  Segments segments = DrawGlobSegments();
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

// The key spares comparing all pairs.
RC_GTEST_PROP(GlobProperties, TwoTieIfTheirKeysAreTheSame, ()) {
  const Segments segments = DrawGlobSegments();
  Segments alike = segments;
  for (std::string& segment : alike) {
    const bool is_literal = segment.find('*') == std::string::npos;
    if (is_literal && *rc::gen::inRange(0, 3) == 0) segment = "c";
    if (segment == "a*" && *rc::gen::inRange(0, 3) == 0) segment = "b*";
  }
  for (const auto& [a, b] : {std::pair(Join(segments), Join(alike)), {DrawGlob(3), DrawGlob(3)}}) {
    const bool tie = a.CompareSpecificity(b) == 0 && a.Overlaps(b);
    RC_ASSERT((a.TieKey() == b.TieKey()) == tie);
  }
}

}  // namespace
}  // namespace fusebox
