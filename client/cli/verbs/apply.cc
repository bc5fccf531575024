// Makes policies and retry budgets what a file says.
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags.h"
#include "client/cli/manifest.h"
#include "client/cli/resource_text.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

struct ApplyFlags {
  std::string file;
  bool dry_run = false;
};

// One run over one file. A resource that fails does not keep the others from being applied.
class Application {
 public:
  Application(Invocation& cli, const ManifestFile& file, bool dry_run)
      : cli_(cli), file_(file), change_{cli.actor, dry_run} {}

  int Run() {
    Manifest wanted = file_.manifest;
    // Policies may name budgets of the same file.
    ApplyAll<v1::RetryBudget>(wanted);
    ApplyAll<v1::Policy>(wanted);
    if (!cli_.out.for_people()) cli_.out.Print(ManifestDocument(result_));
    return code_;
  }

 private:
  template <typename M>
  void ApplyAll(Manifest& wanted) {
    int index = 0;
    for (M& resource : Resource<M>::In(wanted)) {
      if (!lost_) ApplyOne(resource, index++);
    }
  }

  template <typename M>
  void ApplyOne(M& wanted, int index) {
    M current;
    M result;
    absl::string_view done = "unchanged";
    grpc::Status status = Resource<M>::Get(cli_.server, wanted.name(), &current);
    if (MayBeAbsent(status)) {
      done = "created";
      status = CreateUnlessThere(status, wanted, &result);
    } else if (status.ok() && BareYaml(current) == BareYaml(wanted)) {
      result = std::move(current);
    } else if (status.ok()) {
      done = "updated";
      status = Resource<M>::Update(cli_.server, Askable(wanted), change_, &result);
    }
    if (!status.ok()) return Fail<M>(status, index, wanted.name());
    if (cli_.out.for_people()) {
      cli_.out.Line({absl::StrCat(FullName<M>(wanted.name()), " ", done,
                                  change_.validate_only ? " (dry run)" : "")});
    }
    *Resource<M>::In(result_).Add() = std::move(result);
  }

  // `unseen` is why it could not be looked at: a right that is missing, if it is there after all.
  template <typename M>
  grpc::Status CreateUnlessThere(const grpc::Status& unseen, const M& wanted, M* result) {
    grpc::Status status = Create(wanted, result);
    const bool there = status.error_code() == grpc::StatusCode::ALREADY_EXISTS;
    const bool hidden = unseen.error_code() == grpc::StatusCode::PERMISSION_DENIED;
    return there && hidden ? unseen : status;
  }

  grpc::Status Create(const v1::RetryBudget& wanted, v1::RetryBudget* result) {
    if (change_.validate_only) imagined_budgets_.insert(wanted.name());
    return Resource<v1::RetryBudget>::Create(cli_.server, wanted, change_, result);
  }

  grpc::Status Create(const v1::Policy& wanted, v1::Policy* result) {
    return Resource<v1::Policy>::Create(cli_.server, Askable(wanted), change_, result);
  }

  static const v1::RetryBudget& Askable(const v1::RetryBudget& wanted) { return wanted; }

  // In a dry run the budgets that the file would add do not exist, and the server would refuse
  // policies for naming them; it is asked about all else.
  v1::Policy Askable(v1::Policy wanted) const {
    if (imagined_budgets_.contains(wanted.shared_retry_budget())) wanted.clear_budget();
    return wanted;
  }

  template <typename M>
  void Fail(const grpc::Status& status, int index, const std::string& name) {
    const int code =
        ReportRpcError(cli_.err, cli_.server, status, AboutResource<M>(file_, index, name));
    if (code_ == kOk) code_ = code;
    lost_ = IsConnectFailure(cli_.server, status);
  }

  Invocation& cli_;
  const ManifestFile& file_;
  const Change change_;
  absl::flat_hash_set<std::string> imagined_budgets_;
  Manifest result_;
  int code_ = kOk;
  bool lost_ = false;  // Nobody answers: once is enough to say so.
};

int Apply(Invocation& cli, const ApplyFlags& flags) {
  const absl::StatusOr<ManifestFile> file = ReadManifest(flags.file);
  if (!file.ok()) return ReportBadFile(cli.err, file.status());
  return Application(cli, *file, flags.dry_run).Run();
}

}  // namespace

void AddApply(Commands& commands) {
  auto [verb, flags] =
      commands.Add<ApplyFlags>("apply", "Makes policies and retry budgets what a file says", Apply);
  AddFile(verb, flags.file);
  AddDryRun(verb, flags.dry_run);
}

}  // namespace fusebox::cli
