#include "server/store/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"

namespace fusebox {
namespace {

namespace fs = std::filesystem;

absl::Status Failed(absl::string_view doing, const std::string& path, int error) {
  return MakeError(absl::StatusCode::kUnavailable, "STORE_FAILED",
                   absl::StrCat("cannot ", doing, " ", path, ": ", std::strerror(error),
                                "; let the server read and write --data-dir, or choose another"));
}

// The generation that a file name tells; 0 if it is another file.
uint64_t GenerationOf(absl::string_view name) {
  uint64_t generation = 0;
  const bool is_ours = absl::ConsumePrefix(&name, "fusebox-") && absl::ConsumeSuffix(&name, ".db");
  return is_ours && absl::SimpleAtoi(name, &generation) ? generation : 0;
}

// Makes a file durable, or the names in a directory.
absl::Status Sync(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Failed("open", path, errno);
  const int error = fsync(file) == 0 ? 0 : errno;
  close(file);
  return error == 0 ? absl::OkStatus() : Failed("sync", path, error);
}

// Its name too must survive a power cut, also if who made it was killed before that was sure.
absl::Status Create(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failed("create", path, errno);
  const std::string parent = path + "/..";
  const bool is_readable = access(parent.c_str(), R_OK) == 0;
  return is_readable ? Sync(parent) : absl::OkStatus();
}

void Remove(const std::string& path) {
  std::error_code ignored;  // What is left is an older generation, and nobody reads those.
  fs::remove(path, ignored);
}

}  // namespace

absl::StatusOr<DataDirectory> DataDirectory::Lock(const std::string& path) {
  if (const absl::Status created = Create(path); !created.ok()) return created;
  const std::string file = path + "/lock";
  // Also on a disk that is read-only: its rows may still be read.
  int lock = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) lock = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return Failed("lock", file, errno);
  DataDirectory directory(path, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Failed("lock", file, errno);
    return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_IN_USE",
                     absl::StrCat("--data-dir ", path,
                                  " is in use by another server; stop that one, or give this one a "
                                  "directory of its own"));
  }
  if (const absl::Status found = directory.FindCurrent(); !found.ok()) return found;
  if (const absl::Status synced = directory.SyncCurrent(); !synced.ok()) return synced;
  return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      generation_(other.generation_),
      current_(std::move(other.current_)),
      superseded_(std::move(other.superseded_)) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  std::swap(generation_, other.generation_);
  std::swap(current_, other.current_);
  std::swap(superseded_, other.superseded_);
  return *this;
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

bool DataDirectory::HasItsLock() const {
  struct stat held = {}, named = {};
  return fstat(lock_, &held) == 0 && stat((path_ + "/lock").c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

absl::Status DataDirectory::FindCurrent() {
  std::error_code error;
  for (fs::directory_iterator file(path_, error), end; !error && file != end;
       file.increment(error)) {
    generation_ = std::max(generation_, GenerationOf(file->path().filename().string()));
  }
  if (error) return Failed("list", path_, error.value());
  if (generation_ != 0) current_ = FileOf(generation_);
  return absl::OkStatus();
}

// A server that was killed may have left what a power cut would undo: the name of the journal that
// the next commit is going to rely on, or the end of the journal of the last one.
absl::Status DataDirectory::SyncCurrent() const {
  if (current_.empty()) return absl::OkStatus();
  for (const std::string& file : {current_, current_ + "-journal"}) {
    if (access(file.c_str(), F_OK) != 0) continue;
    if (const absl::Status synced = Sync(file); !synced.ok()) return synced;
  }
  return Sync(path_);
}

std::string DataDirectory::FileOf(uint64_t generation) const {
  return absl::StrCat(path_, "/fusebox-", generation, ".db");
}

absl::StatusOr<std::string> DataDirectory::PrepareNext() {
  const std::string adopted = FileOf(generation_ + 1);
  // With the journal of a file that somebody else removed: SQLite would take it for the new one's.
  for (const char* suffix : {".new", ".new-journal", "-journal"}) {
    std::error_code error;
    fs::remove(adopted + suffix, error);
    if (error) return Failed("remove", adopted + suffix, error.value());
  }
  return adopted + ".new";
}

absl::Status DataDirectory::Adopt(bool corrupt) {
  const std::string adopted = FileOf(generation_ + 1);
  if (std::rename((adopted + ".new").c_str(), adopted.c_str()) != 0) {
    return Failed("rename to", adopted, errno);
  }
  const std::string old = std::exchange(current_, adopted);
  ++generation_;
  if (!old.empty()) superseded_.push_back({old, corrupt});
  Remove(adopted + ".new-journal");  // Empty by now.
  // The new one must be there for good before the old one goes.
  if (const absl::Status synced = Sync(path_); !synced.ok()) return synced;
  for (const Superseded& file : superseded_) PutAway(file);
  superseded_.clear();
  return absl::OkStatus();
}

void DataDirectory::PutAway(const Superseded& file) {
  for (const char* suffix : {"", "-journal"}) {
    if (file.corrupt) {
      std::rename((file.path + suffix).c_str(), absl::StrCat(file.path, ".bad", suffix).c_str());
    } else {
      Remove(file.path + suffix);
    }
  }
}

}  // namespace fusebox
