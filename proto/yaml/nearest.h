// Guesses what a misspelt word was meant to be.
//
//   Nearest("max_breaker", {"max_breakers", "max_events"})   // "max_breakers"
//   Nearest("colour", {"max_breakers", "max_events"})        // ""
//
// Thread-safe.
#ifndef FUSEBOX_PROTO_YAML_NEAREST_H_
#define FUSEBOX_PROTO_YAML_NEAREST_H_

#include <cstddef>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace fusebox {

// The candidate that is fewest edits away from `word`, the first of several; empty when none is
// within a third of the word's length (at least one edit), nor within `most_edits`. Upper and lower
// case, and dash and underscore, are the same here.
std::string Nearest(absl::string_view word, absl::Span<const std::string> candidates,
                    size_t most_edits = std::numeric_limits<size_t>::max());

// What to append to an error about `word`: "; did you mean max_breakers?", or nothing.
std::string DidYouMean(absl::string_view word, absl::Span<const std::string> candidates);

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_YAML_NEAREST_H_
