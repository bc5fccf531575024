#ifndef FUSEBOX_CORE_GLOB_H_
#define FUSEBOX_CORE_GLOB_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// A pattern over breaker names, segment by segment:
//
//   db/orders      a literal
//   payments.v1.*  a literal prefix and a star: the rest of one segment
//   *              one segment, whichever
//   **             zero or more segments
//
// Globs are ordered by how specific they are, from the left: a literal, then the longer prefix,
// then `*`, then the end of the pattern, then `**`. So of "a/**", "a/*" and "a/b" the last rules
// a/b. Immutable, so safe to share between threads.
class Glob {
 public:
  // The error is INVALID_ARGUMENT with reason GLOB_INVALID; its message is the remedy alone, for a
  // caller that has already named the field and the value.
  static absl::StatusOr<Glob> Parse(absl::string_view text);

  // Matches every name.
  static Glob All();

  bool Matches(absl::string_view name) const;

  // Whether some name matches both.
  bool Overlaps(const Glob& other) const;

  // Whether this one matches every name that `other` matches. False also where finding out would
  // take too long, which it does only if this one has many single stars behind a **.
  bool Covers(const Glob& other) const;

  // Greater is more specific. Globs may be equally specific and yet differ.
  std::weak_ordering CompareSpecificity(const Glob& other) const;

  // The same for two globs if and only if they are equally specific and some name matches both.
  std::string TieKey() const;

  const std::string& text() const { return text_; }

 private:
  enum class Kind : uint8_t { kMany, kEnd, kPrefix, kLiteral };  // From the least specific.
  struct Segment {
    Kind kind = Kind::kEnd;
    std::string text;  // The literal or the prefix; `*` is the empty prefix.
  };

  static std::weak_ordering Compare(const Segment& a, const Segment& b);
  static bool SegmentMatches(const Segment& segment, absl::string_view name);
  static bool SegmentsOverlap(const Segment& a, const Segment& b);

  // For Covers(): the places in the pattern at which a match may stand, in order.
  using Places = std::vector<size_t>;
  Places Close(Places places) const;
  Places Step(const Places& from, absl::string_view name) const;
  bool IsEnd(const Places& places) const;
  std::vector<std::string> Examples() const;

  std::string text_;
  std::vector<Segment> segments_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_GLOB_H_
