#ifndef FUSEBOX_SERVER_SESSION_SESSION_COUNTS_H_
#define FUSEBOX_SERVER_SESSION_SESSION_COUNTS_H_

#include <atomic>
#include <cstdint>

namespace fusebox {

// What all sessions of a server told it, since its start. Thread-safe.
struct SessionCounts {
  using Cell = std::atomic<uint64_t>;

  static void Add(Cell& cell, uint64_t count = 1) {
    cell.fetch_add(count, std::memory_order_relaxed);
  }

  Cell rows{0};              // Tallies and endings that were counted, late or not.
  Cell bad_rows{0};          // Those with an error;
  Cell lost_rows{0};         // of breakers that were not subscribed any more;
  Cell repeated_reports{0};  // and reports that had been applied before.
  Cell pushed_states{0};
  Cell permits{0};  // That were granted ahead of calls.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_SESSION_COUNTS_H_
