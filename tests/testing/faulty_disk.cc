// What a test asks of the disk.
#include "testing/faulty_disk.h"

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "testing/faulty_disk_file.h"

namespace fusebox {
namespace {

// All that are there, for the one fsync() of a process.
ABSL_CONST_INIT absl::Mutex disks_mutex(absl::kConstInit);
std::set<FaultyDisk*>& Disks() {
  static auto* const kDisks = new std::set<FaultyDisk*>;
  return *kDisks;
}

std::string NewName() {
  static std::atomic<int> disks = 0;
  return absl::StrCat("faulty-disk-", ++disks);
}

}  // namespace

FaultyDisk::FaultyDisk() : FaultyDisk(false, 0) {}
FaultyDisk::FaultyDisk(uint64_t seed) : FaultyDisk(true, seed) {}

FaultyDisk::FaultyDisk(bool is_volatile, uint64_t seed)
    : is_volatile_(is_volatile), name_(NewName()), vfs_(*sqlite3_vfs_find(nullptr)), random_(seed) {
  Register();
  absl::MutexLock lock(&disks_mutex);
  Disks().insert(this);
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&vfs_);
  {
    absl::MutexLock lock(&disks_mutex);
    Disks().erase(this);
  }
  absl::MutexLock lock(&mutex_);
  if (is_cut_) return;
  for (const auto& file : files_) file->DoAll();
}

void FaultyDisk::SetFull(bool full) {
  absl::MutexLock lock(&mutex_);
  is_full_ = full;
}

void FaultyDisk::SetReadOnly(bool read_only) {
  absl::MutexLock lock(&mutex_);
  is_read_only_ = read_only;
}

void FaultyDisk::FailReads(bool fail) {
  absl::MutexLock lock(&mutex_);
  fails_reads_ = fail;
}

void FaultyDisk::FailSyncs(uint64_t pass, uint64_t fail) {
  absl::MutexLock lock(&mutex_);
  pass_syncs_ = pass;
  fail_syncs_ = fail;
}

void FaultyDisk::StallSyncs() {
  absl::MutexLock lock(&mutex_);
  stalls_ = true;
}

void FaultyDisk::AwaitStalledSync() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &FaultyDisk::IsStalled));
}

void FaultyDisk::ReleaseSyncs() {
  absl::MutexLock lock(&mutex_);
  stalls_ = false;
}

void FaultyDisk::CrashAt(uint64_t operation) {
  absl::MutexLock lock(&mutex_);
  crash_at_ = counts_.operations + operation;
}

bool FaultyDisk::crashed() const {
  absl::MutexLock lock(&mutex_);
  return crashed_;
}

void FaultyDisk::Revive() {
  absl::MutexLock lock(&mutex_);
  MustBe(!is_cut_);
  crashed_ = false;
  crash_at_ = 0;
}

FaultyDisk::Counts FaultyDisk::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

FaultyDisk::Counts FaultyDisk::CountsOf(const std::string& path) const {
  absl::MutexLock lock(&mutex_);
  // SQLite follows links in what it is given.
  const auto found = counts_of_.find(std::filesystem::weakly_canonical(path).string());
  return found == counts_of_.end() ? Counts{} : found->second;
}

// False if the disk no longer does it.
bool FaultyDisk::Begin() {
  if (!crashed_ && ++counts_.operations == crash_at_) crashed_ = true;
  return !crashed_;
}

FaultyDisk::File* FaultyDisk::Find(const struct stat& wanted) {
  struct stat found;
  for (const auto& file : files_) {
    if (fstat(file->descriptor, &found) != 0) continue;
    if (found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev) return file.get();
  }
  return nullptr;
}

bool FaultyDisk::SyncAll(int descriptor) {
  absl::MutexLock lock(&disks_mutex);
  bool synced = true;
  for (FaultyDisk* disk : Disks()) synced = disk->Sync(descriptor) && synced;
  return synced;
}

}  // namespace fusebox

// In place of the one that the program would have had. No real disk is asked: a test loses no power
// but that of its own disks.
extern "C" int fsync(int fd) {
  if (fusebox::FaultyDisk::SyncAll(fd)) return 0;
  errno = EIO;
  return -1;
}
