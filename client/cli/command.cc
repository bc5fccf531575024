#include "client/cli/command.h"

namespace fusebox::cli {

CLI::App& Commands::Declare(const std::string& name, const std::string& description) {
  CLI::App* verb = app_.add_subcommand(name, description);
  verb->footer(
      "The flags of every verb (--server, --timeout, --output) and the exit codes:\n"
      "  fuseboxctl --help");
  return *verb;
}

}  // namespace fusebox::cli
