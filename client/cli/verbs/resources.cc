// The groups `policy` and `budget`: looks at policies and retry budgets, and removes them.
#include "client/cli/resources.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/resource_text.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

struct NoFlags {};

struct NameFlags {
  std::string name;
};

struct DeleteResourceFlags {
  std::string name;
  bool dry_run = false;
};

template <typename M>
int ListAll(Invocation& cli, const NoFlags&) {
  Manifest manifest;
  const grpc::Status status = Resource<M>::List(cli.server, &manifest);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  if (cli.out.for_people() && Resource<M>::In(manifest).empty()) {
    cli.err << "There are none; `fuseboxctl apply` makes them.\n";
  }
  cli.out.Print(ManifestDocument(manifest));
  return kOk;
}

template <typename M>
int GetOne(Invocation& cli, const NameFlags& flags) {
  Manifest manifest;
  M& one = *Resource<M>::In(manifest).Add();
  const grpc::Status status = Resource<M>::Get(cli.server, ShortName<M>(flags.name), &one);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  Document document = ManifestDocument(manifest);
  document.table = [&one](bool) { return FieldsTable(one); };
  cli.out.Print(document);
  return kOk;
}

template <typename M>
int DeleteOne(Invocation& cli, const DeleteResourceFlags& flags) {
  const std::string name = ShortName<M>(flags.name);
  const grpc::Status status =
      Resource<M>::Delete(cli.server, name, Change{cli.actor, flags.dry_run});
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  cli.err << FullName<M>(name) << " deleted" << (flags.dry_run ? " (dry run)" : "") << ".\n";
  return kOk;
}

void AddName(FlagSet verb, absl::string_view kind, std::string& value) {
  verb.Add("NAME", value, absl::StrCat("Its name, with or without ", kind, "/"))
      .Required()
      .Metavar(absl::AsciiStrToUpper(kind));
}

template <typename M>
void AddGroup(Commands& commands, const std::string& things) {
  constexpr absl::string_view kKind = Resource<M>::kKind;
  Commands group = commands.Group(
      std::string(kKind), absl::StrCat("Looks at ", things, "; `apply` and `edit` change them"));
  group.Add<NoFlags>("list", absl::StrCat("Lists the ", things), ListAll<M>);
  auto [get, name] = group.Add<NameFlags>("get", "Shows one, as it is in force", GetOne<M>);
  AddName(get, kKind, name.name);
  auto [remove, flags] = group.Add<DeleteResourceFlags>("delete", "Removes one", DeleteOne<M>);
  AddName(remove, kKind, flags.name);
  AddDryRun(remove, flags.dry_run);
}

}  // namespace

void AddPolicy(Commands& commands) { AddGroup<v1::Policy>(commands, "policies"); }

void AddBudget(Commands& commands) { AddGroup<v1::RetryBudget>(commands, "shared retry budgets"); }

}  // namespace fusebox::cli
