#include "server/files/watched_files.h"

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

}  // namespace

WatchedFiles::WatchedFiles(std::string what, std::vector<std::string> paths, Take take)
    : what_(std::move(what)), paths_(std::move(paths)), take_(std::move(take)) {}

absl::Status WatchedFiles::Reload() {
  MutexLock lock(&reload_mutex_);
  absl::StatusOr<std::vector<std::string>> texts = Read();
  absl::Status status = texts.status();
  const bool is_new = status.ok() && *texts != in_force_;
  if (is_new) status = take_(*texts);
  if (is_new && status.ok()) {
    in_force_ = *std::move(texts);
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

absl::StatusOr<std::vector<std::string>> WatchedFiles::Read() const {
  std::vector<std::string> texts;
  for (const std::string& path : paths_) {
    absl::StatusOr<std::string> text = ReadText(path);
    if (!text.ok()) return text.status();
    texts.push_back(*std::move(text));
  }
  return texts;
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
