#ifndef FUSEBOX_SERVER_SERVING_RELOADER_H_
#define FUSEBOX_SERVER_SERVING_RELOADER_H_

#include <sys/stat.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/control/control.h"
#include "server/engine/clock.h"
#include "server/options/options.h"
#include "server/serving/stop_signal.h"
#include "server/sync/mutex.h"

namespace fusebox {

// How the file is doing.
struct ConfigCondition {
  std::string error = {};  // What is wrong with what was read last; empty if nothing is.
  absl::Time time = {};    // When the policies in force were read.
  uint64_t loads = 0;
  uint64_t failures = 0;
};

// Reads the configuration's file again when it changes and when it is told to, and has its policies
// and retry budgets replace those before: all of them, or none. What the file says of the server
// itself needs a restart, which is logged. Thread-safe.
class Reloader {
 public:
  // `options` are those that the server started with, and say how to read them again; without a
  // file nothing happens. `control` and `clock` must outlive this.
  Reloader(const Options& options, Control& control, const Clock& clock);
  ~Reloader() { Stop(); }

  // Looks after the file, every second, until Stop().
  void Start();
  void Stop();

  // Reads it now. What it says is in force, or known to be wrong, once control has made the change.
  void Reload();

  bool has_file() const { return !path_.empty(); }
  ConfigCondition condition() const;

 private:
  // Tells one version of a file from the next.
  struct Stamp {
    ino_t inode;
    off_t size;
    int64_t nanos;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  std::optional<Stamp> Look() const;
  bool IsStill(const Options& options) const;
  void Note(const absl::Status& status);
  void WarnOfServerOptions(const Options& options) const;

  const std::string path_;
  const config::v1::ServerOptions running_;
  const std::function<absl::StatusOr<Options>()> reread_;
  Control& control_;
  const Clock& clock_;

  std::mutex reload_mutex_;  // Of the standard library: it is held while a disk is read.
  mutable Mutex mutex_;
  ConfigCondition condition_ ABSL_GUARDED_BY(mutex_);
  std::optional<Stamp> seen_ ABSL_GUARDED_BY(mutex_);

  StopSignal stop_;
  std::thread thread_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_RELOADER_H_
