#include "client/cli/variables.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace fusebox::cli {
namespace {

std::string Word(const std::string& name) {
  return absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"-", "_"}}));
}

void NameVariables(CLI::App& app, const std::string& prefix) {
  for (CLI::Option* option : app.get_options({})) {
    const bool says_no_more = option == app.get_help_ptr() || option == app.get_version_ptr();
    if (option->get_lnames().empty() || says_no_more) continue;
    option->envname(absl::StrCat(prefix, "_", Word(option->get_lnames().front())));
  }
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; })) {
    // A group of flags inside a verb has no name of its own.
    const bool named = !verb->get_name().empty();
    NameVariables(*verb, named ? absl::StrCat(prefix, "_", Word(verb->get_name())) : prefix);
  }
}

}  // namespace

void NameVariables(CLI::App& app) { NameVariables(app, "FUSEBOX"); }

std::string BlameVariable(const CLI::App& app, const std::string& complaint) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_envname().empty()) continue;
    const char* value = std::getenv(option->get_envname().c_str());
    if (value == nullptr || option->results() != std::vector<std::string>{value}) continue;
    if (!absl::StartsWith(complaint, option->get_name() + ":")) continue;
    return absl::StrCat("  ", option->get_envname(), " is set to \"", value, "\".\n");
  }
  // What was chosen, and the nameless groups of flags inside it.
  for (const CLI::App* verb : app.get_subcommands(
           [](const CLI::App* one) { return one->get_name().empty() || one->parsed(); })) {
    if (std::string blame = BlameVariable(*verb, complaint); !blame.empty()) return blame;
  }
  return "";
}

}  // namespace fusebox::cli
