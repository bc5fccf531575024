// What comes to the disk: all that is synced and, when the power is cut, some of the rest.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "testing/faulty_disk.h"
#include "testing/faulty_disk_file.h"

namespace fusebox {

int FaultyDisk::Sync(Handle& handle) {
  absl::MutexLock lock(&mutex_);
  ++stalled_;
  mutex_.Await(absl::Condition(this, &FaultyDisk::IsReleased));
  --stalled_;
  if (!SyncFile(*handle.file)) return SQLITE_IOERR_FSYNC;
  if (std::exchange(handle.syncs_directory, false)) NamesAreSynced();
  return SQLITE_OK;
}

bool FaultyDisk::SyncFile(File& file) {
  if (crashed_) return false;
  ++counts_of_[file.opened_path].syncs;
  if (BeginSync()) {
    file.DoAll();
    return true;
  }
  // Where it crashes, a cut is still to come.
  if (!crashed_) KeepSome(file);
  return false;
}

bool FaultyDisk::BeginSync() {
  if (!Begin()) return false;
  ++counts_.syncs;
  if (pass_syncs_ > 0) {
    --pass_syncs_;
    return true;
  }
  if (fail_syncs_ == 0) return true;
  if (fail_syncs_ != kAll) --fail_syncs_;
  return false;
}

bool FaultyDisk::Sync(int descriptor) {
  absl::MutexLock lock(&mutex_);
  // The machine that was started again sees the same files through another disk.
  if (is_cut_) return true;
  struct stat synced;
  MustBe(fstat(descriptor, &synced) == 0);
  if (File* file = Find(synced); file != nullptr) return SyncFile(*file);
  const std::string path = PathOf(descriptor);
  const auto is_in_it = [&path](const auto& file) {
    return std::filesystem::path(file->opened_path).parent_path() == path;
  };
  if (std::none_of(files_.begin(), files_.end(), is_in_it)) return true;
  if (!BeginSync()) return false;
  NamesAreSynced();
  return true;
}

void FaultyDisk::NamesAreSynced() {
  for (const auto& file : files_) file->synced_path = file->Path();
}

void FaultyDisk::CutPower() {
  absl::MutexLock lock(&mutex_);
  crashed_ = true;
  if (std::exchange(is_cut_, true)) return;
  for (const auto& file : files_) {
    KeepSome(*file);
    KeepName(*file);
  }
}

// Each change is kept or not. Half of the time it is all or nothing, which is where it matters that
// one file is synced before another.
void FaultyDisk::KeepSome(File& file) {
  const uint64_t quarters = random_() % 2 == 0 ? random_() % 2 * 4 : 1 + random_() % 3;
  for (Change& change : file.unsynced) {
    if (random_() % 4 < quarters) {
      file.Do(change);
      continue;
    }
    // A file may have grown before it has what it has grown by.
    const bool grows = change.is_write && change.at >= SizeOf(file.descriptor);
    if (!grows || random_() % 8 != 0) continue;
    for (char& byte : change.bytes) byte = static_cast<char>(random_());
    file.Do(change);
  }
  file.unsynced.clear();
}

// What was created may be gone again, what was renamed or removed may be back, unless there is
// another one of that name.
void FaultyDisk::KeepName(const File& file) {
  const std::string path = file.Path();
  const std::string& synced = file.synced_path;
  if (!is_volatile_ || path == synced || random_() % 2 == 0) return;
  if (synced.empty()) {
    MustBe(unlink(path.c_str()) == 0);
  } else if (!path.empty()) {
    renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, synced.c_str(), RENAME_NOREPLACE);
  } else if (const int back = open(synced.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
             back >= 0) {
    WriteAt(back, ContentOf(file.descriptor), 0);
    close(back);
  }
}

}  // namespace fusebox
