// Opens a policy or a retry budget in an editor and applies what was written there.
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/files.h"
#include "client/cli/manifest.h"
#include "client/cli/tool.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

constexpr char kEditFooter[] =
    R"(The editor is $VISUAL, else $EDITOR, else vi. What cannot be applied is kept in a file, whose name is
printed, for `fuseboxctl apply -f`.)";

constexpr char kComment[] =
    R"(# What you write here is applied when the editor ends; leave it as it is to change nothing.
# `etag` makes sure that nobody else's change is lost.
)";

struct EditFlags {
  std::string name;
};

// What a shell says of a program that is not there.
constexpr int kNoProgram = 127;

std::string Editor() {
  for (const char* name : {"VISUAL", "EDITOR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "vi";
}

// One resource, in a file of its own while it is edited.
template <typename M>
class Edit {
 public:
  Edit(Invocation& cli, std::string name) : cli_(cli), name_(std::move(name)) {}

  int Run() {
    Manifest before;
    M& current = *Resource<M>::In(before).Add();
    grpc::Status status = Resource<M>::Get(cli_.server, name_, &current);
    if (status.ok()) status = Try(current);
    if (!status.ok()) return ReportRpcError(cli_.err, cli_.server, status);
    const std::string etag = current.info().etag();
    Resource<M>::Strip(current);
    current.mutable_info()->set_etag(etag);
    const std::string text = absl::StrCat(kComment, WriteYaml(before));

    // To the end: an edit that is lost on its way to the server would be in a file without a name.
    const NoInterrupts ignored;
    const absl::StatusOr<std::string> folder = MakeTemporaryFolder();
    if (!folder.ok()) return ReportBadFile(cli_.err, folder.status());
    path_ = absl::StrCat(*folder, "/", Resource<M>::kKind, ".", name_, ".yaml");
    const int code = EditFile(text);
    if (!kept_) RemoveFolder(*folder);
    return code;
  }

 private:
  // What may not be changed, as it is the server's file's, is refused before it is edited.
  grpc::Status Try(const M& current) {
    M ignored;
    return Resource<M>::Update(cli_.server, current, Change{cli_.actor, true}, &ignored);
  }

  int EditFile(const std::string& text) {
    if (const absl::Status bad = WriteFile(path_, text); !bad.ok()) {
      return ReportBadFile(cli_.err, bad);
    }
    const std::string editor = Editor();
    const int code = RunTool(editor, {path_});
    const absl::StatusOr<std::string> edited = ReadFile(path_);
    const bool changed = !edited.ok() || *edited != text;
    if (code != 0) return Cancel(editor, code, changed);
    if (!changed) {
      cli_.err << FullName<M>(name_) << " unchanged.\n";
      return kOk;
    }
    return ApplyFile();
  }

  // Editors fail when they are told to, as vi by :cq.
  int Cancel(const std::string& editor, int code, bool changed) {
    cli_.err << "fuseboxctl: edit cancelled, nothing changed: the editor `" << editor
             << "` failed with exit code " << code;
    if (code == kNoProgram) cli_.err << "; set EDITOR to another";
    cli_.err << ".\n";
    return changed ? Keep(kToolFailed) : kToolFailed;
  }

  int ApplyFile() {
    absl::StatusOr<ManifestFile> file = ReadManifest(path_);
    if (!file.ok()) return Keep(ReportBadFile(cli_.err, file.status()));
    const auto& resources = Resource<M>::In(file->manifest);
    const int all = file->manifest.policies_size() + file->manifest.retry_budgets_size();
    if (all != 1 || resources.size() != 1 || resources[0].name() != name_) {
      cli_.err << "fuseboxctl: " << path_ << " holds something other than " << FullName<M>(name_)
               << "; `edit` changes that one only, and no names. `apply` does more.\n";
      return Keep(kUsage);
    }
    M result;
    const grpc::Status status =
        Resource<M>::Update(cli_.server, resources[0], Change{cli_.actor, false}, &result);
    if (status.ok()) {
      cli_.out.Line({FullName<M>(name_) + " updated"});
      return kOk;
    }
    const int code =
        ReportRpcError(cli_.err, cli_.server, status, AboutResource<M>(*file, 0, name_));
    if (ReasonOf(status) == "ETAG_STALE") {
      cli_.err << "  It was changed meanwhile. `fuseboxctl edit` it again, or take the etag out of "
                  "the file\n  and apply that, over the other change.\n";
    }
    return Keep(code);
  }

  // Nobody's work is thrown away.
  int Keep(int code) {
    kept_ = true;
    cli_.err << "  Your edit is kept: fuseboxctl apply -f " << path_ << "\n";
    return code;
  }

  Invocation& cli_;
  const std::string name_;
  std::string path_;
  bool kept_ = false;
};

int EditOne(Invocation& cli, const EditFlags& flags) {
  const std::string policy = FullName<v1::Policy>("");
  const std::string budget = FullName<v1::RetryBudget>("");
  if (absl::StartsWith(flags.name, policy)) {
    return Edit<v1::Policy>(cli, flags.name.substr(policy.size())).Run();
  }
  if (absl::StartsWith(flags.name, budget)) {
    return Edit<v1::RetryBudget>(cli, flags.name.substr(budget.size())).Run();
  }
  cli.err << "fuseboxctl: \"" << flags.name << "\" is no policy and no budget; write " << policy
          << "NAME or " << budget << "NAME.\n";
  return kUsage;
}

}  // namespace

void AddEdit(Commands& commands) {
  auto [verb, flags] =
      commands.Add<EditFlags>("edit", "Opens a policy or a retry budget in an editor", EditOne);
  verb.Add("NAME", flags.name, "policy/NAME or budget/NAME").Required().Metavar("RESOURCE");
  verb.Footer(kEditFooter);
}

}  // namespace fusebox::cli
