#ifndef FUSEBOX_TESTS_TESTING_FAULTY_DISK_FILE_H_
#define FUSEBOX_TESTS_TESTING_FAULTY_DISK_FILE_H_

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "testing/faulty_disk.h"

// What the parts of FaultyDisk share: real files, and what they do not have yet.
namespace fusebox {

// The files of a test are on a disk that does not fail, or the test means nothing.
inline void MustBe(bool done) {
  if (!done) std::abort();
}

inline uint64_t SizeOf(int descriptor) {
  struct stat found;
  MustBe(fstat(descriptor, &found) == 0);
  return static_cast<uint64_t>(found.st_size);
}

inline std::string ContentOf(int descriptor) {
  std::string content(SizeOf(descriptor), '\0');
  MustBe(pread(descriptor, content.data(), content.size(), 0) ==
         static_cast<ssize_t>(content.size()));
  return content;
}

inline std::string PathOf(int descriptor) {
  return std::filesystem::read_symlink(absl::StrCat("/proc/self/fd/", descriptor)).string();
}

inline void WriteAt(int descriptor, absl::string_view bytes, uint64_t at) {
  MustBe(pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at)) ==
         static_cast<ssize_t>(bytes.size()));
}

// A file, for as long as the disk is there: so no other one gets its number.
struct FaultyDisk::File {
  ~File() { close(descriptor); }

  // What the real file is not yet.
  void Do(const Change& change) const {
    if (change.is_write) {
      WriteAt(descriptor, change.bytes, change.at);
    } else {
      MustBe(ftruncate(descriptor, static_cast<off_t>(change.at)) == 0);
    }
  }
  void DoAll() {
    for (const Change& change : unsynced) Do(change);
    unsynced.clear();
  }
  bool IsRemoved() const {
    struct stat found;
    return fstat(descriptor, &found) == 0 && found.st_nlink == 0;
  }
  // Also after it was renamed; empty once it was removed.
  std::string Path() const { return IsRemoved() ? "" : PathOf(descriptor); }

  int descriptor = -1;
  std::string opened_path;
  std::string content;           // As it is read.
  std::vector<Change> unsynced;  // In order; of these, the real file knows nothing.
  std::string synced_path;       // Empty: for all that is on the disk, there is no such file.
};

// What SQLite has of an open file.
struct FaultyDisk::Handle {
  sqlite3_file base;
  FaultyDisk* disk;
  File* file;
  bool is_read_only;
  bool syncs_directory;  // With its first sync.
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_FAULTY_DISK_FILE_H_
