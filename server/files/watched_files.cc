#include "server/files/watched_files.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/log/log.h"

namespace fusebox {
namespace {

absl::StatusOr<std::string> ReadText(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 16 << 10> part;
  while (file && text.size() <= kMaxFileBytes) {
    file.read(part.data(), part.size());
    text.append(part.data(), static_cast<size_t>(file.gcount()));
  }
  if (!file && !file.eof()) {
    return absl::InvalidArgumentError(absl::StrCat("file ", QuoteForError(path),
                                                   " cannot be read (", std::strerror(errno),
                                                   "); put it there, readable for the server"));
  }
  if (text.size() <= kMaxFileBytes) return text;
  return absl::InvalidArgumentError(absl::StrCat("file ", QuoteForError(path), " has more than ",
                                                 kMaxFileBytes, " bytes; make it smaller"));
}

// Of a file that is gone meanwhile: none, which differs from that of one that was read.
FileStamp StampOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  return {.size = status.st_size,
          .change_ns = status.st_mtim.tv_sec * kNanosPerSecond + status.st_mtim.tv_nsec};
}

}  // namespace

WatchedFiles::WatchedFiles(std::string what, std::vector<std::string> paths, Take take)
    : what_(std::move(what)), paths_(std::move(paths)), take_(std::move(take)) {}

absl::Status WatchedFiles::Reload() {
  MutexLock lock(&reload_mutex_);
  const absl::StatusOr<Look> look = Read();
  absl::Status status = look.status();
  const bool is_new = status.ok() && (!has_taken_ || look->texts != in_force_);
  if (is_new && !IsSettled(*look)) return status;  // Nothing is known to be wrong, or mended.
  if (is_new) status = take_(look->texts);
  if (is_new && status.ok()) {
    has_taken_ = true;
    in_force_ = look->texts;
    MutexLock state_lock(&mutex_);
    ++state_.taken;
    if (state_.taken > 1) Log(Severity::kInfo, "reloaded", {{"what", what_}});
  }
  Note(status);
  return status;
}

WatchedFiles::State WatchedFiles::state() const {
  MutexLock lock(&mutex_);
  return state_;
}

absl::StatusOr<WatchedFiles::Look> WatchedFiles::Read() const {
  Look look;
  for (const std::string& path : paths_) {
    look.stamps.push_back(StampOf(path));  // Before: what is written meanwhile shows the next time.
    absl::StatusOr<std::string> text = ReadText(path);
    if (!text.ok()) return text.status();
    look.texts.push_back(*std::move(text));
  }
  return look;
}

bool WatchedFiles::IsSettled(const Look& look) {
  const bool is_same = look == last_;
  last_ = look;
  return is_same || !has_taken_;
}

void WatchedFiles::Note(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (state_.error == status.message()) return;
  state_.error = std::string(status.message());
  if (status.ok()) return;
  ++state_.failed;
  if (state_.taken == 0) return;  // Whoever starts is told.
  Log(Severity::kError, "reload_failed",
      {{"what", what_}, {"error", state_.error}, {"in_force", "what was read before"}});
}

}  // namespace fusebox
