// Flags and arguments that several verbs have, and kinds that CLI11 does not know.
//
// What stands for a value in the help also tells completion what the value may be: see complete.h.
#ifndef FUSEBOX_CLIENT_CLI_FLAGS_H_
#define FUSEBOX_CLIENT_CLI_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/enums.h"

namespace fusebox::cli {

// Accepts a duration with a unit, like 30ms, 5s or 1h30m, from zero on.
CLI::Validator DurationCheck();

// Accepts base64, padded or not, of either alphabet.
CLI::Validator Base64Check();

// Accepts a gRPC status code by number or name and makes it the number: "14" and "unavailable"
// become "14".
CLI::Validator GrpcCodeToNumber();

// Accepts a time in RFC 3339, or a duration, which is so long ago.
CLI::Validator MomentCheck();

// What MomentCheck() accepts, as a time; `now` is where durations end.
absl::Time ParseMoment(const std::string& text, absl::Time now);

// Accepts one of the names in any case, with dashes for underscores, and makes it that.
CLI::Validator OneOf(const std::vector<std::string>& names);

// Accepts the name of a value: "half-open" and "HALF_OPEN" become "HALF_OPEN".
template <typename Enum>
CLI::Validator EnumCheck() {
  return OneOf(EnumNames<Enum>());
}

// Adds a flag with a duration. `value` is an absl::Duration or a std::optional of one, and must
// outlive the parsing.
template <typename Value>
CLI::Option* AddDuration(CLI::App& app, const std::string& name, Value& value,
                         const std::string& description) {
  const auto set = [&value](const std::string& text) {
    absl::Duration parsed;
    absl::ParseDuration(text, &parsed);  // Checked below, before this is called.
    value = parsed;
  };
  return app.add_option_function<std::string>(name, set, description)
      ->check(DurationCheck())
      ->type_name("DURATION");
}

// NAME, required: one breaker.
CLI::Option* AddBreakerName(CLI::App& verb, std::string& value);

// GLOB: which breakers; all, if it is left out.
CLI::Option* AddGlob(CLI::App& verb, std::string& value);

// MATCH, required: a breaker or a glob that an override is for.
CLI::Option* AddMatch(CLI::App& verb, std::string& value);

// --reason, for the history.
CLI::Option* AddReason(CLI::App& verb, std::string& value);

// --dry-run.
CLI::Option* AddDryRun(CLI::App& verb, bool& value);

// -f/--file, required: a file with policies and retry budgets.
CLI::Option* AddFile(CLI::App& verb, std::string& value);

// Decodes what Base64Check() accepts.
std::string DecodeBase64(const std::string& text);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_FLAGS_H_
