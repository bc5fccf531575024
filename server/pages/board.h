#ifndef FUSEBOX_SERVER_PAGES_BOARD_H_
#define FUSEBOX_SERVER_PAGES_BOARD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/tick.h"
#include "server/engine/engine.h"
#include "server/pages/pages.pb.h"
#include "server/sync/mutex.h"

namespace fusebox {

// What somebody wants to see of all breakers.
struct BoardQuery {
  std::string filter = {};           // A part of names, in any case; empty: all.
  std::optional<State> state = {};   // Only those.
  bool overridden = false;           // Only those.
  size_t offset = 0;                 // How many of the worst to leave out.
  size_t limit = 100;                // Up to kMaxRows.
  Engine::MaySee may_see = nullptr;  // By default all.
};

// All breakers of an engine as a table, the worst first: those that are OPEN, that probe, that are
// overridden, that are unwell, and the others, the nearest to their threshold first.
//
// A look at the engine serves everybody for half a second, and for ten times as long as it took: so
// looking costs a tenth of a processor at most. Whoever asks first after that looks, meanwhile the
// others get what was seen before, or wait if that is nothing. The last look and the one under way
// together take about 500 bytes a breaker, until nobody has asked for ten seconds. Thread-safe.
class Board {
 public:
  static constexpr size_t kMaxRows = 1'000;

  // `engine` must outlive it.
  explicit Board(Engine& engine) : engine_(engine) {}

  // Everything but `server`.
  http::v1::Board Read(const BoardQuery& query);

  // Gives up what nobody asks for any more. To be called every second or so.
  void Forget();

 private:
  struct Counts {
    uint64_t calls = 0;
    uint64_t refused = 0;
  };
  // Immutable.
  struct Look {
    std::vector<http::v1::BoardRow> rows;  // The worst first.
    absl::flat_hash_map<std::string, Counts> counts;
    Tick time;
    absl::Duration fresh_for;
  };

  std::shared_ptr<const Look> Current();
  // What may be shown without looking; null if there is nothing, or it is this caller's turn to
  // look.
  std::shared_ptr<const Look> AtHand(std::shared_ptr<const Look>& before);
  std::shared_ptr<const Look> LookAgain(const Look* before);

  Engine& engine_;
  Mutex mutex_;
  std::mutex first_;  // Of the standard library: who has nothing to show waits for it.
  std::shared_ptr<const Look> last_ ABSL_GUARDED_BY(mutex_);
  bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  Tick asked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_PAGES_BOARD_H_
