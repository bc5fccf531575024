#ifndef FUSEBOX_SERVER_FILES_WATCHED_FILES_H_
#define FUSEBOX_SERVER_FILES_WATCHED_FILES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/sync/mutex.h"

namespace fusebox {

// How large a file may be, in bytes.
inline constexpr size_t kMaxFileBytes = 4 << 20;

// What changes of a file when somebody writes to it.
struct FileStamp {
  int64_t size = 0;
  int64_t change_ns = 0;  // Since 1970.

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// Files that mean something together and are read again when they change: a certificate and its
// key, the identities.
//
//   WatchedFiles files("certificate", {"tls.crt", "tls.key"},
//                      [&](const std::vector<std::string>& texts) { return Use(texts); });
//   if (absl::Status status = files.Reload(); !status.ok()) { ... refuse to start ... }
//   ... every second: files.Reload() ...
//
// The first texts are taken at once. Later ones are when two looks in a row find the same, at the
// same size and time of change: somebody may be in the middle of writing, and half of a text may
// mean something. Who writes slower than whoever looks is only safe by renaming a whole file into
// place.
//
// What is wrong with new texts is logged once, counted and kept to be shown; what was taken before
// stays in force. Texts are compared and not only times of change: no way of replacing a file is
// missed. Thread-safe.
class WatchedFiles {
 public:
  // Puts the texts, in the order of the files, into force; or else says what is wrong with them and
  // changes nothing.
  using Take = std::function<absl::Status(const std::vector<std::string>& texts)>;

  struct State {
    uint64_t taken = 0;      // How often texts came into force, the first ones included.
    uint64_t failed = 0;     // How often they did not; the same error time after time is one.
    std::string error = {};  // Why what the files say is not in force; empty if it is.
  };

  // `what` names them in the log and in metrics, in one lower-case word.
  WatchedFiles(std::string what, std::vector<std::string> paths, Take take);

  // Takes what the files say, unless it is in force; OK also while that waits for a second look.
  // What was refused is tried again: time may have mended it. The error is INVALID_ARGUMENT when a
  // file cannot be read or is too large, and else that of `take`.
  absl::Status Reload();

  State state() const;
  const std::string& what() const { return what_; }

 private:
  // What one look at the files found.
  struct Look {
    std::vector<std::string> texts = {};
    std::vector<FileStamp> stamps = {};

    friend bool operator==(const Look&, const Look&) = default;
  };

  absl::StatusOr<Look> Read() const;
  // Whether texts that are not in force may be taken.
  bool IsSettled(const Look& look) ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_mutex_);
  void Note(const absl::Status& status);

  const std::string what_;
  const std::vector<std::string> paths_;
  const Take take_;

  Mutex reload_mutex_;  // Held by who reloads, and before the other.
  bool has_taken_ ABSL_GUARDED_BY(reload_mutex_) = false;
  std::vector<std::string> in_force_ ABSL_GUARDED_BY(reload_mutex_);
  Look last_ ABSL_GUARDED_BY(reload_mutex_);
  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FILES_WATCHED_FILES_H_
