#include "client/cli/app.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/channel.h"
#include "client/cli/command.h"
#include "client/cli/flags.h"
#include "client/cli/output.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

constexpr char kDescription[] =
    "Asks and looks after a Fusebox server: shared circuit breakers and retry budgets.";

constexpr char kFooter[] = R"(Exit codes:
  0       it worked
  1       `allow`: the call must not be made
  2       the command line or a FUSEBOX_* variable is wrong
  3       the output could not be written
  64 + N  the server answered with gRPC status N, or did not answer (78 = UNAVAILABLE)
  `health` has its own, those of grpc-health-probe: fuseboxctl health --help

Data goes to stdout, all else to stderr. Colour is used on a terminal unless NO_COLOR is set.)";

// The flags of every verb.
struct GlobalFlags {
  std::string server = "127.0.0.1:7400";
  absl::Duration timeout = absl::Seconds(5);
  std::string output = "table";
};

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  app.add_option("--server", flags.server, "Where the server is: host:port or unix:/path")
      ->envname("FUSEBOX_SERVER")
      ->check(CLI::Validator([](const std::string& text) { return CheckAddress(text); }, ""))
      ->type_name("ADDRESS")
      ->capture_default_str();
  AddDuration(app, "--timeout", flags.timeout, "How long one call may take, connecting included")
      ->envname("FUSEBOX_TIMEOUT")
      ->check(CLI::Validator(
          [](const std::string& text) {
            absl::Duration parsed;
            absl::ParseDuration(text, &parsed);
            return parsed > absl::ZeroDuration()
                       ? std::string()
                       : "a time-out of \"" + text + "\" lets no call end; give more, like 5s";
          },
          ""))
      ->default_str("5s");
  app.add_option("-o,--output", flags.output, "How data is printed")
      ->envname("FUSEBOX_OUTPUT")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("FORMAT")
      ->capture_default_str();
}

void AddVerbs(Commands& commands) {
  AddAllow(commands);
  AddRecord(commands);
  AddGet(commands);
  AddList(commands);
  AddWatch(commands);
  AddHealth(commands);
}

// CLI11 says what is wrong with a value, but not with a verb.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const bool no_verb = error.get_name() == "RequiredError" && app.get_subcommands().empty();
  if (!no_verb) return error.what();
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands({})) verbs.push_back(verb->get_name());
  const std::vector<std::string> unknown = app.remaining();
  return absl::StrCat(
      unknown.empty() ? "a verb is missing" : absl::StrCat("\"", unknown[0], "\" is no verb"),
      "; give one of ", absl::StrJoin(verbs, ", "));
}

// A bad value may come from a variable that was set long ago and forgotten: names it.
std::string Origin(const CLI::App& app, absl::string_view explanation) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_envname().empty()) continue;
    const char* value = std::getenv(option->get_envname().c_str());
    if (value == nullptr || option->results() != std::vector<std::string>{value}) continue;
    if (!absl::StartsWith(explanation, option->get_name() + ":")) continue;
    return absl::StrCat("  ", option->get_envname(), " is set to \"", value, "\".\n");
  }
  return "";
}

// Ends a parse that did not lead to a verb: help was asked for, or something is wrong.
int EndParse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const std::string explanation = Explain(app, error);
  std::string command = "fuseboxctl";
  for (const CLI::App* verb : app.get_subcommands()) command += " " + verb->get_name();
  std::cerr << "fuseboxctl: " << explanation << "\n"
            << Origin(app, explanation) << "  See `" << command << " --help`.\n";
  return app.got_subcommand("health") ? kHealthBadFlags : kUsage;
}

}  // namespace

int RunApp(int argc, const char* const* argv) {
  GlobalFlags flags;
  CLI::App app(kDescription, "fuseboxctl");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // The global flags may also stand after the verb.
  Commands commands(app);
  AddGlobalFlags(app, flags);
  AddVerbs(commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return EndParse(app, error);
  }
  Connection server(flags.server, flags.timeout);
  Output out(std::cout, flags.output == "json" ? Format::kJson : Format::kTable, UseColour());
  Invocation cli{server, out, std::cerr};
  const int code = commands.Run(cli);
  std::cout.flush();
  if (std::cout.good()) return code;
  std::cerr << "fuseboxctl: stdout cannot be written; is its disk full?\n";
  return kOutputFailed;
}

}  // namespace fusebox::cli
