#ifndef FUSEBOX_TESTS_TESTING_FAULTY_DISK_H_
#define FUSEBOX_TESTS_TESTING_FAULTY_DISK_H_

#include <sqlite3.h>
#include <sys/stat.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace fusebox {

// What SQLite sees a disk through, and a disk that fails when it is told to.
//
//   FaultyDisk disk;
//   SqliteStore::Open({.data_dir = dir, .vfs = disk.name()});
//   disk.SetFull(true);                // From now on every write fails.
//
//   FaultyDisk disk(seed);             // Keeps for sure only what is synced.
//   disk.CrashAt(7);                   // Six operations more, and the seventh is the last.
//   ...                                // The store fails; let go of it.
//   disk.CutPower();                   // The files are what a machine finds when it starts again.
//
// It follows the files that SQLite opens when they are renamed or removed behind its back, and
// takes the place of fsync() to see what else is synced of them and of their directory. What is not
// synced, of a file or of names, a cut undoes or not, each change by itself; only a sector of 512
// bytes stays whole. As with SQLite's own files, the first sync of a journal that was created is
// one of its directory. After a sync that failed, what it was to bring to the disk is there or not,
// and no later sync brings it: so does Linux.
//
// Files are never locked: have one connection to each. Stays registered with SQLite until it goes,
// which must be after the stores that use it. Thread-safe.
class FaultyDisk {
 public:
  struct Counts {
    uint64_t operations = 0;  // Everything that can fail.
    uint64_t writes = 0;      // With truncations. Also those that failed.
    uint64_t syncs = 0;       // Also those that failed; in all, with those of directories.
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  static constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

  // Whatever is written is on the disk at once.
  FaultyDisk();

  // Whatever is written is on the disk for sure once it is synced; `seed` tells what a cut leaves
  // of the rest.
  explicit FaultyDisk(uint64_t seed);

  // Without a cut, everything comes to the disk.
  ~FaultyDisk();

  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // SQLite's name for it.
  const std::string& name() const { return name_; }

  // Writes fail with SQLITE_FULL.
  void SetFull(bool full);
  // What is there can be opened and read; nothing can be created, written or removed.
  void SetReadOnly(bool read_only);
  // Reads fail with SQLITE_IOERR_READ.
  void FailReads(bool fail);
  // From now on, `pass` syncs do their work, the next `fail` do not, the others do again.
  void FailSyncs(uint64_t pass, uint64_t fail);

  // Syncs wait until they are released, whatever becomes of them then.
  void StallSyncs();
  void AwaitStalledSync();
  void ReleaseSyncs();

  // The `operation`th from now on (1: the next) fails, and so does all that follows. If that one is
  // a write, then a cut may leave some of it.
  void CrashAt(uint64_t operation);
  bool crashed() const;

  // Only the process crashed, and the machine did not: files are as they were written, synced or
  // not. Close what was open before.
  void Revive();

  // Of what is not synced, some sectors come to the disk, some sizes, and some names' changes, each
  // or none. From then on everything fails.
  void CutPower();

  // What fsync() is to every disk that knows the file, or files in the directory.
  static bool SyncAll(int descriptor);

  // Since the disk is there. `path` is of a file as it was opened.
  Counts counts() const;
  Counts CountsOf(const std::string& path) const;

 private:
  struct File;
  struct Handle;
  struct Calls;  // What SQLite calls.
  struct Change {
    bool is_write;  // Or it sets the size.
    uint64_t at;    // The size, or where to write.
    std::string bytes;
  };

  FaultyDisk(bool is_volatile, uint64_t seed);

  // As one of SQLite's.
  void Register();

  int Open(const char* path, int flags, Handle& handle, int* opened_as);
  int Read(const Handle& handle, char* to, size_t size, uint64_t at);
  int Write(const Handle& handle, absl::string_view bytes, uint64_t at);
  int Truncate(const Handle& handle, uint64_t size);
  int Sync(Handle& handle);
  int Delete(const char* path, bool sync_directory);
  int Exists(const char* path, int* exists);
  bool Sync(int descriptor);
  int Size(const Handle& handle, sqlite3_int64* size);

  // These want the lock that their callers have.
  bool Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool SyncFile(File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool BeginSync() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int BeginWrite(const Handle& handle, int failed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  File* Find(const struct stat& wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  File* Track(const char* path, int descriptor, bool is_created)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Keep(File& file, Change change) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepSome(File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepName(const File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NamesAreSynced() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsReleased() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !stalls_; }
  bool IsStalled() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stalled_ > 0; }

  const bool is_volatile_;
  const std::string name_;
  sqlite3_vfs vfs_;

  mutable absl::Mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<File>> files_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Counts> counts_of_ ABSL_GUARDED_BY(mutex_);
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  bool is_full_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_read_only_ ABSL_GUARDED_BY(mutex_) = false;
  bool fails_reads_ ABSL_GUARDED_BY(mutex_) = false;
  bool crashed_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_cut_ ABSL_GUARDED_BY(mutex_) = false;
  bool stalls_ ABSL_GUARDED_BY(mutex_) = false;
  int stalled_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t crash_at_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: never.
  uint64_t pass_syncs_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t fail_syncs_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_FAULTY_DISK_H_
