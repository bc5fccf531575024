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

// Files that mean something together and are read again when they change: a certificate and its
// key, the identities.
//
//   WatchedFiles files("certificate", {"tls.crt", "tls.key"},
//                      [&](const std::vector<std::string>& texts) { return Use(texts); });
//   if (absl::Status status = files.Reload(); !status.ok()) { ... refuse to start ... }
//   ... every second: files.Reload() ...
//
// What is wrong with new texts is logged once, counted and kept to be shown; what was taken before
// stays in force. Texts are compared and not times of change: no way of replacing a file is missed.
// Thread-safe.
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

  // Takes what the files say, unless it is in force. What was refused is tried again: time may have
  // mended it. The error is INVALID_ARGUMENT when a file cannot be read or is too large, and else
  // that of `take`.
  absl::Status Reload();

  State state() const;
  const std::string& what() const { return what_; }

 private:
  absl::StatusOr<std::vector<std::string>> Read() const;
  void Note(const absl::Status& status);

  const std::string what_;
  const std::vector<std::string> paths_;
  const Take take_;

  Mutex reload_mutex_;  // Held by who reloads, and before the other.
  std::vector<std::string> in_force_ ABSL_GUARDED_BY(reload_mutex_);
  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FILES_WATCHED_FILES_H_
