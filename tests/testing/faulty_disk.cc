#include "testing/faulty_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

constexpr size_t kSector = 512;

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

// The files of a test are on a disk that does not fail, or the test means nothing.
void MustBe(bool done) {
  if (!done) std::abort();
}

uint64_t SizeOf(int descriptor) {
  struct stat found;
  MustBe(fstat(descriptor, &found) == 0);
  return static_cast<uint64_t>(found.st_size);
}

std::string ContentOf(int descriptor) {
  std::string content(SizeOf(descriptor), '\0');
  MustBe(pread(descriptor, content.data(), content.size(), 0) ==
         static_cast<ssize_t>(content.size()));
  return content;
}

std::string PathOf(int descriptor) {
  return std::filesystem::read_symlink(absl::StrCat("/proc/self/fd/", descriptor)).string();
}

void WriteAt(int descriptor, absl::string_view bytes, uint64_t at) {
  MustBe(pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at)) ==
         static_cast<ssize_t>(bytes.size()));
}

}  // namespace

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

struct FaultyDisk::Calls {
  static Handle& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
  static FaultyDisk& Of(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* opened) {
    Handle& handle = Of(file);
    handle = {{nullptr}, &Of(vfs), nullptr, false, false};
    const int code = Of(vfs).Open(path, flags, handle, opened);
    if (code == SQLITE_OK) handle.base.pMethods = &kFileCalls;
    return code;
  }
  static int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    return Of(vfs).Delete(path, sync_directory != 0);
  }
  static int Access(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
    if (flags == SQLITE_ACCESS_EXISTS) return Of(vfs).Exists(path, result);
    return sqlite3_vfs_find(nullptr)->xAccess(vfs, path, flags, result);
  }

  static int Close(sqlite3_file*) { return SQLITE_OK; }
  static int Read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
    return Of(file).disk->Read(Of(file), static_cast<char*>(to), static_cast<size_t>(size),
                               static_cast<uint64_t>(at));
  }
  static int Write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
    const absl::string_view bytes(static_cast<const char*>(from), static_cast<size_t>(size));
    return Of(file).disk->Write(Of(file), bytes, static_cast<uint64_t>(at));
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    return Of(file).disk->Truncate(Of(file), static_cast<uint64_t>(size));
  }
  static int Sync(sqlite3_file* file, int) { return Of(file).disk->Sync(Of(file)); }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Of(file).disk->Size(Of(file), size);
  }
  static int Lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int CheckReservedLock(sqlite3_file*, int* is_locked) {
    *is_locked = 0;
    return SQLITE_OK;
  }
  static int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int SectorSize(sqlite3_file*) { return kSector; }
  static int DeviceCharacteristics(sqlite3_file*) { return 0; }

  static const sqlite3_io_methods kFileCalls;
};

const sqlite3_io_methods FaultyDisk::Calls::kFileCalls = {
    1, Close, Read, Write, Truncate, Sync, FileSize, Lock, Lock, CheckReservedLock, FileControl,
    SectorSize, DeviceCharacteristics,
    // Of later versions: no shared memory, no mapping.
    nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

FaultyDisk::FaultyDisk() : FaultyDisk(false, 0) {}
FaultyDisk::FaultyDisk(uint64_t seed) : FaultyDisk(true, seed) {}

FaultyDisk::FaultyDisk(bool is_volatile, uint64_t seed)
    : is_volatile_(is_volatile), name_(NewName()), vfs_(*sqlite3_vfs_find(nullptr)), random_(seed) {
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.xOpen = Calls::Open;
  vfs_.xDelete = Calls::Delete;
  vfs_.xAccess = Calls::Access;
  MustBe(sqlite3_vfs_register(&vfs_, /*makeDflt=*/0) == SQLITE_OK);
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

void FaultyDisk::CutPower() {
  absl::MutexLock lock(&mutex_);
  crashed_ = true;
  if (std::exchange(is_cut_, true)) return;
  for (const auto& file : files_) {
    KeepSome(*file);
    KeepName(*file);
  }
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

int FaultyDisk::Open(const char* path, int flags, Handle& handle, int* opened_as) {
  absl::MutexLock lock(&mutex_);
  // Without a path it would be a temporary file, and a store has none.
  if (!Begin() || path == nullptr) return SQLITE_CANTOPEN;
  const bool exists = access(path, F_OK) == 0;
  const bool creates = !exists && (flags & SQLITE_OPEN_CREATE) != 0;
  if (!exists && (!creates || is_read_only_)) return SQLITE_CANTOPEN;
  const int descriptor = open(path, O_RDWR | O_CLOEXEC | (creates ? O_CREAT : 0), 0600);
  if (descriptor < 0) return SQLITE_CANTOPEN;
  handle.file = Track(path, descriptor, creates);
  handle.syncs_directory = creates && (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0;
  // As SQLite does it: if it cannot write, it reads.
  handle.is_read_only = is_read_only_ || (flags & SQLITE_OPEN_READONLY) != 0;
  if (handle.is_read_only) {
    flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    flags |= SQLITE_OPEN_READONLY;
  }
  if (opened_as != nullptr) *opened_as = flags;
  return SQLITE_OK;
}

FaultyDisk::File* FaultyDisk::Find(const struct stat& wanted) {
  struct stat found;
  for (const auto& file : files_) {
    if (fstat(file->descriptor, &found) != 0) continue;
    if (found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev) return file.get();
  }
  return nullptr;
}

FaultyDisk::File* FaultyDisk::Track(const char* path, int descriptor, bool is_created) {
  struct stat opened;
  MustBe(fstat(descriptor, &opened) == 0);
  File* file = Find(opened);
  if (file != nullptr) {
    close(descriptor);
  } else {
    file = files_.emplace_back(std::make_unique<File>()).get();
    file->descriptor = descriptor;
    if (!is_created) file->synced_path = file->Path();
  }
  file->opened_path = path;
  // One that is known may be ahead of what is on the disk.
  const bool is_new = file->descriptor == descriptor;
  if (is_new || !is_volatile_) file->content = ContentOf(file->descriptor);
  return file;
}

int FaultyDisk::Read(const Handle& handle, char* to, size_t size, uint64_t at) {
  absl::MutexLock lock(&mutex_);
  if (!Begin() || fails_reads_) return SQLITE_IOERR_READ;
  const std::string& content = handle.file->content;
  const size_t from = std::min<size_t>(at, content.size());
  const size_t read = std::min(size, content.size() - from);
  std::fill(std::copy_n(content.data() + from, read, to), to + size, '\0');
  return read == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

// What comes of a write; `failed` if the disk no longer does it.
int FaultyDisk::BeginWrite(const Handle& handle, int failed) {
  if (crashed_) return failed;
  ++counts_.writes, ++counts_of_[handle.file->opened_path].writes;
  // A cut may leave some of what was to be written last.
  if (!Begin() && !is_volatile_) return failed;
  if (is_read_only_ || handle.is_read_only) return SQLITE_READONLY;
  return SQLITE_OK;
}

int FaultyDisk::Write(const Handle& handle, absl::string_view bytes, uint64_t at) {
  absl::MutexLock lock(&mutex_);
  const int begun = BeginWrite(handle, SQLITE_IOERR_WRITE);
  if (begun != SQLITE_OK) return begun;
  if (is_full_) return SQLITE_FULL;
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kSector - at % kSector);
    Keep(*handle.file, {true, at, std::string(bytes.substr(0, size))});
    bytes.remove_prefix(size);
    at += size;
  }
  return crashed_ ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int FaultyDisk::Truncate(const Handle& handle, uint64_t size) {
  absl::MutexLock lock(&mutex_);
  const int begun = BeginWrite(handle, SQLITE_IOERR_TRUNCATE);
  if (begun != SQLITE_OK) return begun;
  Keep(*handle.file, {false, size, ""});
  return crashed_ ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

void FaultyDisk::Keep(File& file, Change change) const {
  if (!change.is_write) {
    file.content.resize(change.at);
  } else {
    const size_t end = change.at + change.bytes.size();
    if (file.content.size() < end) file.content.resize(end);
    file.content.replace(change.at, change.bytes.size(), change.bytes);
  }
  file.unsynced.push_back(std::move(change));
  if (!is_volatile_) file.DoAll();
}

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

void FaultyDisk::NamesAreSynced() {
  for (const auto& file : files_) file->synced_path = file->Path();
}

int FaultyDisk::Delete(const char* path, bool sync_directory) {
  absl::MutexLock lock(&mutex_);
  if (!Begin() || is_read_only_) return SQLITE_IOERR_DELETE;
  if (unlink(path) != 0) return SQLITE_IOERR_DELETE_NOENT;
  if (sync_directory) NamesAreSynced();
  return SQLITE_OK;
}

// As SQLite wants it: one without content does not count.
int FaultyDisk::Exists(const char* path, int* exists) {
  absl::MutexLock lock(&mutex_);
  if (!Begin()) return SQLITE_IOERR_ACCESS;
  struct stat found;
  *exists = stat(path, &found) == 0;
  if (*exists == 0) return SQLITE_OK;
  const File* file = is_volatile_ ? Find(found) : nullptr;
  *exists = file != nullptr ? !file->content.empty() : found.st_size > 0;
  return SQLITE_OK;
}

int FaultyDisk::Size(const Handle& handle, sqlite3_int64* size) {
  absl::MutexLock lock(&mutex_);
  if (crashed_) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(handle.file->content.size());
  return SQLITE_OK;
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
