// The command line of a server: one flag for each field of ServerOptions, and a few more.
//
//   fusebox --listen 0.0.0.0:7400 --idle-ttl=2h --insecure --config fusebox.yaml
//
// Values are only collected here; options.h reads them. Thread-safe.
#ifndef FUSEBOX_SERVER_OPTIONS_COMMAND_LINE_H_
#define FUSEBOX_SERVER_OPTIONS_COMMAND_LINE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"

namespace fusebox {

// What the names of all environment variables begin with.
inline constexpr char kVariablePrefix[] = "FUSEBOX_";

// The flag and the environment variable of --config, which is no field.
inline constexpr char kConfigFlag[] = "--config";
inline constexpr char kConfigVariable[] = "FUSEBOX_CONFIG";

// "--max-breakers" for the field max_breakers.
std::string FlagOf(const google::protobuf::FieldDescriptor* field);

// "FUSEBOX_MAX_BREAKERS" for the field max_breakers.
std::string VariableOf(const google::protobuf::FieldDescriptor* field);

struct CommandLine {
  // The values that each flag was given, in order, by the flag: {"--listen", {"a:1", "b:2"}}.
  std::map<std::string, std::vector<std::string>> values;
  // Whether --print-config was given.
  bool print_config = false;
  // What --help or --version asked to print, instead of anything else.
  std::optional<std::string> text = std::nullopt;
};

// `argv[0]` names the program. INVALID_ARGUMENT for a flag that does not exist, one without its
// value and anything that is no flag; the error names it.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_OPTIONS_COMMAND_LINE_H_
