#include "client/cli/files.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace fusebox::cli {
namespace {

absl::Status Cannot(absl::string_view deed, absl::string_view path) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot ", deed, " \"", path, "\": ", std::generic_category().message(errno)));
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return Cannot("read", path);
  std::string content;
  char block[4096];
  while (const size_t count = std::fread(block, 1, sizeof(block), file)) {
    content.append(block, count);
  }
  // A folder can be opened, but not read.
  absl::Status status = std::ferror(file) == 0 ? absl::OkStatus() : Cannot("read", path);
  if (file != stdin) std::fclose(file);
  if (!status.ok()) return status;
  return content;
}

absl::Status WriteFile(const std::string& path, absl::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content << std::flush;
  return file.good() ? absl::OkStatus() : Cannot("write", path);
}

absl::StatusOr<std::string> MakeTemporaryFolder() {
  const char* parent = std::getenv("TMPDIR");
  std::string path =
      absl::StrCat(parent == nullptr || *parent == '\0' ? "/tmp" : parent, "/fuseboxctl-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return Cannot("make the folder", path);
  return path;
}

void RemoveFolder(const std::string& path) {
  std::error_code ignored;  // What is left is the system's to sweep up.
  std::filesystem::remove_all(path, ignored);
}

}  // namespace fusebox::cli
