// What SQLite asks of the disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "testing/faulty_disk.h"
#include "testing/faulty_disk_file.h"

namespace fusebox {
namespace {

constexpr size_t kSector = 512;

}  // namespace

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

void FaultyDisk::Register() {
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.xOpen = Calls::Open;
  vfs_.xDelete = Calls::Delete;
  vfs_.xAccess = Calls::Access;
  MustBe(sqlite3_vfs_register(&vfs_, /*makeDflt=*/0) == SQLITE_OK);
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

}  // namespace fusebox
