#include "client/cli/command.h"

namespace fusebox::cli {

CLI::App& Commands::Declare(const std::string& name, const std::string& description) {
  CLI::App* verb = app_.add_subcommand(name, description);
  verb->footer(
      "The flags of every verb (--server, --output and more) and the exit codes:\n"
      "  fuseboxctl --help");
  return *verb;
}

Commands Commands::Group(const std::string& name, const std::string& description) {
  CLI::App& group = Declare(name, description);
  group.require_subcommand(1);
  return Commands(group, chosen_);
}

}  // namespace fusebox::cli
