// Files that people name on the command line.
#ifndef FUSEBOX_CLIENT_CLI_FILES_H_
#define FUSEBOX_CLIENT_CLI_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fusebox::cli {

// The whole content; of stdin if `path` is "-". The error names the path and the cause.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Makes the file or replaces what it holds. The error names the path and the cause.
absl::Status WriteFile(const std::string& path, absl::string_view content);

// A new folder of its own for files that other programs are to read or change: under $TMPDIR, and
// nobody else may look into it. The error names the folder and the cause.
absl::StatusOr<std::string> MakeTemporaryFolder();

// Removes the folder and all in it.
void RemoveFolder(const std::string& path);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_FILES_H_
