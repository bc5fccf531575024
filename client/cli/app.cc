#include "client/cli/app.h"

#include <grpc/support/log.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/channel.h"
#include "client/cli/command.h"
#include "client/cli/complete.h"
#include "client/cli/globals.h"
#include "client/cli/output.h"
#include "client/cli/talk.h"
#include "client/cli/variables.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

constexpr char kDescription[] =
    "Asks and looks after a Fusebox server: shared circuit breakers and retry budgets.";

constexpr char kFooter[] = R"(Exit codes:
  0       it worked
  1       `allow`: the call must not be made; `diff`: something is different
  2       the command line, a FUSEBOX_* variable or a file is wrong
  3       the output could not be written
  4       the editor or the diff program failed
  64 + N  the server answered with gRPC status N, or did not answer (78 = UNAVAILABLE)
  `health` has its own, those of grpc-health-probe: fuseboxctl health --help

Each flag is a variable too: FUSEBOX_<FLAG> of the flags above, FUSEBOX_<VERB>_<FLAG> of a verb's.
Data goes to stdout, all else to stderr. Colour is used on a terminal unless NO_COLOR is set.)";

void AddVerbs(Commands& commands) {
  AddAllow(commands);
  AddRecord(commands);
  AddList(commands);
  AddGet(commands);
  AddDescribe(commands);
  AddWatch(commands);
  AddWait(commands);
  AddTop(commands);
  AddHistory(commands);
  AddOverride(commands);
  AddClear(commands);
  AddOverrides(commands);
  AddDrill(commands);
  AddReset(commands);
  AddDelete(commands);
  AddApply(commands);
  AddDiff(commands);
  AddEdit(commands);
  AddSimulate(commands);
  AddPolicy(commands);
  AddBudget(commands);
  AddHealth(commands);
  AddVersion(commands);
  AddCompletion(commands);
}

// The chosen verb, or the group or app that one is still to be chosen from.
const CLI::App& Innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : Innermost(*chosen.front());
}

// "fuseboxctl policy get".
std::string Path(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : absl::StrCat(Path(*parent), " ", app.get_name());
}

// CLI11 says what is wrong with a value, but not with a verb.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& reached = Innermost(app);
  const bool no_verb =
      error.get_name() == "RequiredError" && reached.get_require_subcommand_min() > 0;
  if (!no_verb) return error.what();
  std::vector<std::string> verbs;
  for (const CLI::App* verb : reached.get_subcommands({})) verbs.push_back(verb->get_name());
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  return absl::StrCat(
      unknown.empty() ? "a verb is missing" : absl::StrCat("\"", unknown[0], "\" is no verb"),
      "; give one of ", absl::StrJoin(verbs, ", "));
}

int UsageCode(const CLI::App& app) {
  return app.got_subcommand("health") ? kHealthBadFlags : kUsage;
}

// Ends a parse that did not lead to a verb: help was asked for, or something is wrong.
int EndParse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const std::string explanation = Explain(app, error);
  std::cerr << "fuseboxctl: " << explanation << "\n"
            << BlameVariable(app, explanation) << "  See `" << Path(Innermost(app))
            << " --help`.\n";
  return UsageCode(app);
}

int RunVerb(const GlobalFlags& flags, const Commands& commands) {
  Talk talk(std::cerr);
  Connection server(flags.server, flags.timeout, flags.credentials);
  Output out(std::cout, flags.format(), UseColour());
  Invocation cli{server, out, talk, flags.actor};
  const int code = commands.Run(cli);
  std::cout.flush();
  if (!out.fault().ok()) talk << "fuseboxctl: " << out.fault().message() << "\n";
  if (!std::cout.good()) talk << "fuseboxctl: stdout cannot be written; is its disk full?\n";
  return out.ok() ? code : kOutputFailed;
}

// What gRPC logs of its own accord, such as a handshake that failed, is said again in the status of
// the call, and would stand in the middle of the screen of `top`. Who asks for it gets it.
void SilenceGrpc() {
  if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace

int RunApp(int argc, const char* const* argv) {
  SilenceGrpc();
  std::setlocale(LC_CTYPE, "");  // Only what a character is: numbers are written as ever.
  GlobalFlags flags;
  CLI::App app(kDescription, "fuseboxctl");
  app.footer(kFooter);
  app.set_version_flag("--version", FUSEBOX_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // The global flags may also stand after the verb.
  Commands commands(app);
  AddGlobalFlags(FlagSet(app), flags);
  AddVerbs(commands);
  NameVariables(app);
  if (argc > 1 && argv[1] == kCompleteVerb) {
    return Complete(app, {argv + 2, argv + argc}, std::cout);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return EndParse(app, error);
  }
  return RunVerb(flags, commands);
}

}  // namespace fusebox::cli
