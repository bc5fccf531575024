#include "client/cli/manifest.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"
#include "client/cli/files.h"
#include "core/error.h"
#include "core/policy.h"

namespace fusebox::cli {
namespace {

// What is wrong with the names, which is how resources are told apart.
template <typename M>
void CheckNames(ManifestFile& file, std::vector<std::string>& problems) {
  absl::flat_hash_map<std::string, std::string> seen;
  int index = 0;
  for (const M& resource : Resource<M>::In(file.manifest)) {
    const std::string path = absl::StrCat(Resource<M>::kField, "[", index++, "]");
    const std::string place = file.sources.Locate(path);
    if (!IsResourceName(resource.name())) {
      problems.push_back(absl::StrCat(place, ": ", path, ".name is ",
                                      QuoteForError(resource.name()),
                                      "; use lower-case letters, digits and dashes, at most 63"));
      continue;
    }
    const auto [first, is_new] = seen.try_emplace(resource.name(), place);
    if (is_new) continue;
    problems.push_back(absl::StrCat(place, ": ", path, ".name is \"", resource.name(),
                                    "\", as is that at ", first->second, "; remove one"));
  }
}

}  // namespace

absl::StatusOr<ManifestFile> ReadManifest(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  ManifestFile file;
  const std::string shown = path == "-" ? "stdin" : path;
  if (absl::Status bad = ReadYaml(shown, *text, &file.manifest, &file.sources); !bad.ok()) {
    return bad;
  }
  std::vector<std::string> problems;
  CheckNames<v1::RetryBudget>(file, problems);
  CheckNames<v1::Policy>(file, problems);
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  if (file.manifest.policies().empty() && file.manifest.retry_budgets().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        shown,
        " holds nothing; write policies: or retry_budgets: into it, as in the server's file"));
  }
  return file;
}

int ReportBadFile(Talk& err, const absl::Status& status) {
  const std::vector<std::string> lines = absl::StrSplit(status.message(), '\n');
  for (const std::string& line : lines) err << "fuseboxctl: " << line << "\n";
  return kUsage;
}

}  // namespace fusebox::cli
