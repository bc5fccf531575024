#ifndef FUSEBOX_SERVER_STORE_DATA_DIRECTORY_H_
#define FUSEBOX_SERVER_STORE_DATA_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fusebox {

// The files of a store, in a directory that one server has to itself.
//
//   lock              held while a server uses the directory
//   fusebox-7.db      the newest generation; with SQLite's journal beside it
//   fusebox-8.db.new  the next one, not complete
//   fusebox-6.db.bad  a corrupt one, set aside; nobody reads it
//
// A store that starts over writes the next generation beside the old one, so that one of them is
// whole at every moment. Not thread-safe.
class DataDirectory {
 public:
  // Creates the directory, not its parents, if there is none. Errors: FAILED_PRECONDITION (reason
  // STORE_IN_USE) while another server has it; UNAVAILABLE (reason STORE_FAILED) if it cannot be
  // created, read or locked.
  static absl::StatusOr<DataDirectory> Lock(const std::string& path);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  // Whether the lock that it holds is the directory's: not if that was removed or replaced since.
  bool HasItsLock() const;

  // Where the newest generation is; empty if there is none yet.
  const std::string& current() const { return current_; }

  // Where to write the next one; what an earlier try left there is removed.
  absl::StatusOr<std::string> PrepareNext();

  // Makes what was written there, and synced, the newest one, for good. Removes the one before or,
  // `corrupt`, sets it aside; after an error that waits for the next that works.
  absl::Status Adopt(bool corrupt);

 private:
  // A generation that is not the newest any more.
  struct Superseded {
    std::string path;
    bool corrupt;
  };

  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  absl::Status FindCurrent();
  absl::Status SyncCurrent() const;
  static void PutAway(const Superseded& file);
  std::string FileOf(uint64_t generation) const;

  std::string path_;
  int lock_ = -1;
  uint64_t generation_ = 0;  // 0: none.
  std::string current_;
  std::vector<Superseded> superseded_;  // And still in the way.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_STORE_DATA_DIRECTORY_H_
