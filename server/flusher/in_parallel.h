#ifndef FUSEBOX_SERVER_FLUSHER_IN_PARALLEL_H_
#define FUSEBOX_SERVER_FLUSHER_IN_PARALLEL_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace fusebox {

// Calls `work(begin, end)` for parts of [0, count) on as many threads as the machine has cores, and
// returns when all of it is done. Little work is done by this thread alone. `work` must be safe to
// be called by several threads at once.
//
//   InParallel(rows.size(), [&](size_t begin, size_t end) {
//     for (size_t i = begin; i < end; ++i) decoded[i] = Decode(rows[i]);
//   });
void InParallel(size_t count, absl::FunctionRef<void(size_t begin, size_t end)> work);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FLUSHER_IN_PARALLEL_H_
