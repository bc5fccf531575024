// The environment variables that are meant for a server, beside those that options.h looks up.
#ifndef FUSEBOX_SERVER_OPTIONS_VARIABLES_H_
#define FUSEBOX_SERVER_OPTIONS_VARIABLES_H_

#include <string>
#include <vector>

#include "absl/types/span.h"

namespace fusebox {

// A variable that no option reads, and the one that it was probably meant to be.
struct Misspelt {
  std::string name;
  std::string meant;
};

// Those of `names` that begin with FUSEBOX_ and are one or two edits away from an option's. All
// others may belong to somebody else: to fuseboxctl, or to Kubernetes, which makes variables of the
// names of services. Thread-safe.
std::vector<Misspelt> MisspeltVariables(absl::Span<const std::string> names);

// The names of this process's environment. Thread-safe as long as nobody writes it.
std::vector<std::string> ProcessVariables();

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_OPTIONS_VARIABLES_H_
