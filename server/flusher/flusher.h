#ifndef FUSEBOX_SERVER_FLUSHER_FLUSHER_H_
#define FUSEBOX_SERVER_FLUSHER_FLUSHER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/control/control.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/flusher/loader.h"
#include "server/registry/event_reader.h"
#include "server/store/store.h"
#include "server/sync/mutex.h"

namespace fusebox {

// How a store is doing.
struct StoreCondition {
  std::string not_durable = {};  // Why nothing can be kept now; empty if all is well.
  std::string report = {};       // What was found when it was opened, such as a corrupt file.
  uint64_t corruptions = 0;      // How often that, or later, was a file that is corrupt.
  uint64_t commits = 0;
  uint64_t failures = 0;
  absl::Duration since_commit = {};  // Since the last one that worked, or the start.
};

// Keeps what must outlive the server: the only one that waits for the disk.
//
//   flusher.Begin(kept, life)     goes on with what was kept; makes this life durable
//   every 50 ms, and whenever an operator wants a change:
//     changes of operators + outages that changed + what happened since  ->  one commit
//     failed: says so, refuses what needs the store; every 2 s writes everything anew
//   what an earlier boot of the machine wrote, whose times mean nothing now: is written anew
//
// The data plane never waits for it. Round() is for one thread, which Start() provides; the rest is
// thread-safe.
class Flusher {
 public:
  // All must outlive this.
  Flusher(Engine& engine, Control& control, const Clock& clock, Store& store, size_t max_events);
  ~Flusher() { Stop(); }

  // Goes on with what ReadKept() found, or serves without a store if that was an error: what is
  // corrupt is replaced, anything else is read again later. To be called first, and once. The only
  // errors are Control::Restore()'s.
  absl::Status Begin(const absl::StatusOr<Kept>& kept);

  // Does what is due.
  void Round();

  void Start();
  // Keeps what is left, and ends. Nothing can be changed from then on.
  void Stop();

  StoreCondition condition() const;

 private:
  RecordTime Now() const { return {{clock_.Now(), clock_.WallNow()}, boot_id_}; }
  ServerState Server() const;
  absl::Status GoOn(const Kept& kept);
  void Report(const absl::Status& corruption);
  // `changes` of operators, and all that goes with them.
  absl::Status Commit(const Changes& changes);
  absl::Status TryCommit(Changes changes);
  void AddOutages(Changes& changes);
  void AddEvents(Changes& changes);
  void NoteKept(uint64_t event);
  void Recover();
  absl::Status ReadAgain();
  absl::Status WriteEverything();
  void Note(const absl::Status& status);
  void NoteCommit(const absl::Status& status);
  void Run();

  Engine& engine_;
  Control& control_;
  const Clock& clock_;
  Store& store_;
  const std::string boot_id_;
  const size_t max_events_;

  // Of the thread that runs rounds.
  bool was_read_ = false;
  absl::Status status_;
  Tick next_try_;
  EventReader reader_;
  std::deque<uint64_t> kept_events_;  // Their numbers, in order.
  uint64_t kept_life_ = 0;            // Of an earlier life that may be greater than this one.
  Tick next_beat_;                    // When to keep how far the clock came, if nothing else.
  // How far the clock came of the earlier boot in which rows still are: until all are written anew.
  std::optional<BootTime> earlier_boot_;
  bool rewrite_ = false;

  mutable Mutex mutex_;
  StoreCondition condition_ ABSL_GUARDED_BY(mutex_);
  Tick last_commit_ ABSL_GUARDED_BY(mutex_);

  // Of the standard library: see StopSignal.
  std::mutex bell_mutex_;
  std::condition_variable bell_;
  bool rings_ = false;
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FLUSHER_FLUSHER_H_
