#include "client/cli/command.h"

#include <CLI/CLI.hpp>

namespace fusebox::cli {
namespace {

CLI::App& AddTo(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* verb = app.add_subcommand(name, description);
  verb->footer(
      "The flags of every verb (--server, --output and more) and the exit codes:\n"
      "  fuseboxctl --help");
  return *verb;
}

}  // namespace

FlagSet Commands::Declare(const std::string& name, const std::string& description, Chosen runs) {
  CLI::App& verb = AddTo(app_, name, description);
  // Of all kinds of callbacks this one lets CLI11 read the variables of the chosen verb only.
  verb.parse_complete_callback([chosen = chosen_, runs = std::move(runs)] { *chosen = runs; });
  return FlagSet(verb);
}

Commands Commands::Group(const std::string& name, const std::string& description) {
  CLI::App& group = AddTo(app_, name, description);
  group.require_subcommand(1);
  return Commands(group, chosen_);
}

}  // namespace fusebox::cli
