// Everything that a server is told when it starts. Flags go before the environment, that before the
// file, that before the defaults.
//
//   absl::StatusOr<Options> options = ParseOptions(argc, argv, ProcessEnvironment);
//   if (!options.ok()) { ... print options.status().message(), exit 2 }
//   if (options->text) { ... print *options->text, exit 0 }
//   Serve(options->config.server());
//
//   source        as in
//   flag          --max-breakers 5000     --listen a:1 --listen b:2
//   environment   FUSEBOX_MAX_BREAKERS=5000     FUSEBOX_LISTEN=a:1,b:2
//   file          server: {max_breakers: 5000, listen: ["a:1", "b:2"]}
//   default       as options.proto says
//
// Of an option that is true or false the flag needs no value: --insecure, --insecure=false.
//
// The file is that of --config or FUSEBOX_CONFIG, in YAML, with the schema of ConfigFile. A list is
// replaced by the next source, not added to. An environment variable that is set counts, even to
// nothing; an empty name of the file is no file.
#ifndef FUSEBOX_SERVER_OPTIONS_OPTIONS_H_
#define FUSEBOX_SERVER_OPTIONS_OPTIONS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/yaml/source_map.h"
#include "server/options/options.pb.h"

namespace fusebox {

struct Options {
  // What is in force. Every field of `config.server()` is set and in range, its addresses can be
  // parsed and do not collide, and names are unique. Policies are as the file has them: core
  // decides about their numbers.
  config::v1::ConfigFile config;
  // Where it came from, for errors that are found later:
  // sources.Name("policies[2].circuit_breaker.jitter").
  SourceMap sources;
  // Set by --help, --version and --print-config: print this to standard output and stop. Before
  // --print-config's is printed, core should have its say about the policies.
  std::optional<std::string> text = std::nullopt;
  // The file that was read; empty if there was none.
  std::string config_path = {};
  // Reads all of it again, as when the file has changed. For the caller of ParseOptions() to set,
  // who knows how long its arguments live; never, if it is not set.
  std::function<absl::StatusOr<Options>()> reread = nullptr;
};

// The value of an environment variable, if it is set.
using EnvironmentLookup = absl::FunctionRef<std::optional<std::string>(absl::string_view name)>;

// Reads the command line, the environment and the file that they name.
//
// INVALID_ARGUMENT: flags, values or the file are bad. There is a line for each problem, which
// names the flag, the variable or the line of the file, its value and the remedy.
absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv,
                                     EnvironmentLookup environment);

// Looks into this process's environment. Thread-safe as long as nobody writes it.
std::optional<std::string> ProcessEnvironment(absl::string_view name);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_OPTIONS_OPTIONS_H_
