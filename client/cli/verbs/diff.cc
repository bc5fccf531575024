// Shows what `apply` would change.
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/files.h"
#include "client/cli/flags.h"
#include "client/cli/manifest.h"
#include "client/cli/tool.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

constexpr char kDiffFooter[] =
    R"(Exit codes: 0 if nothing is different, 1 if something is; the others as ever.

FUSEBOX_DIFF is the program that compares, as a command line of the shell [diff -u -N]. It is given
two folders, with a file for each policy and budget, and exits 1 if they differ.)";

struct DiffFlags {
  std::string file;
};

// Two folders with what is and what would be, a file for each resource; gone with this object.
class Folders {
 public:
  absl::Status Make() {
    absl::StatusOr<std::string> made = MakeTemporaryFolder();
    if (!made.ok()) return made.status();
    root_ = *std::move(made);
    std::filesystem::create_directory(live());
    std::filesystem::create_directory(merged());
    return absl::OkStatus();
  }
  Folders() = default;
  Folders(const Folders&) = delete;
  Folders& operator=(const Folders&) = delete;
  ~Folders() {
    if (!root_.empty()) RemoveFolder(root_);
  }

  std::string live() const { return root_ + "/LIVE"; }
  std::string merged() const { return root_ + "/MERGED"; }

 private:
  std::string root_;
};

// One resource as it is, unless there is none, and as it would be.
struct Pair {
  std::string file;
  std::optional<std::string> live;
  std::string merged;
};

// Asks for what is.
template <typename M>
int FindPairs(Invocation& cli, const ManifestFile& file, std::vector<Pair>& pairs) {
  Manifest wanted = file.manifest;
  int index = 0;
  for (const M& resource : Resource<M>::In(wanted)) {
    M current;
    const grpc::Status status = Resource<M>::Get(cli.server, resource.name(), &current);
    const bool exists = !MayBeAbsent(status);
    if (exists && !status.ok()) {
      return ReportRpcError(cli.err, cli.server, status,
                            AboutResource<M>(file, index, resource.name()));
    }
    if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED) {
      cli.err << FullName<M>(resource.name())
              << " is shown as new: it is not there, or you may not look at it.\n";
    }
    Pair pair = {absl::StrCat("/", Resource<M>::kKind, ".", resource.name(), ".yaml"), std::nullopt,
                 BareYaml(resource)};
    if (exists) pair.live = BareYaml(current);
    pairs.push_back(std::move(pair));
    ++index;
  }
  return kOk;
}

absl::Status Write(const std::vector<Pair>& pairs, Folders& folders) {
  absl::Status status = folders.Make();
  for (const Pair& pair : pairs) {
    if (!status.ok()) return status;
    status = WriteFile(folders.merged() + pair.file, pair.merged);
    if (pair.live.has_value()) status.Update(WriteFile(folders.live() + pair.file, *pair.live));
  }
  return status;
}

int Compare(Invocation& cli, const Folders& folders) {
  const char* variable = std::getenv("FUSEBOX_DIFF");
  const std::string tool = variable == nullptr || *variable == '\0' ? "diff -u -N" : variable;
  const int code = RunTool(tool, {folders.live(), folders.merged()});
  if (code == 0) return kOk;
  if (code == 1) return kDifferent;
  cli.err << "fuseboxctl: `" << tool << "` failed with exit code " << code
          << "; FUSEBOX_DIFF names another program.\n";
  return kToolFailed;
}

int Diff(Invocation& cli, const DiffFlags& flags) {
  const absl::StatusOr<ManifestFile> file = ReadManifest(flags.file);
  if (!file.ok()) return ReportBadFile(cli.err, file.status());
  std::vector<Pair> pairs;
  int code = FindPairs<v1::RetryBudget>(cli, *file, pairs);
  if (code == kOk) code = FindPairs<v1::Policy>(cli, *file, pairs);
  if (code != kOk) return code;
  const NoInterrupts ignored;  // So that the folders go.
  Folders folders;
  if (const absl::Status bad = Write(pairs, folders); !bad.ok()) return ReportBadFile(cli.err, bad);
  return Compare(cli, folders);
}

}  // namespace

void AddDiff(Commands& commands) {
  auto [verb, flags] = commands.Add<DiffFlags>("diff", "Shows what `apply` would change", Diff);
  AddFile(verb, flags.file);
  verb.Footer(kDiffFooter);
}

}  // namespace fusebox::cli
