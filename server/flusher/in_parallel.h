#ifndef FUSEBOX_SERVER_FLUSHER_IN_PARALLEL_H_
#define FUSEBOX_SERVER_FLUSHER_IN_PARALLEL_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace fusebox {

// Calls `work` for each of the parts 0 to parts - 1, on as many threads as the machine has cores
// but at most 8, and returns when all of it is done. A single part is done by this thread. `work`
// must be safe to be called by several threads at once.
//
//   InParallel(parts.size(), [&](size_t part) { decoded[part] = Decode(parts[part]); });
void InParallel(size_t parts, absl::FunctionRef<void(size_t part)> work);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FLUSHER_IN_PARALLEL_H_
