// Kinds of flags that CLI11 does not know.
#ifndef FUSEBOX_CLIENT_CLI_FLAGS_H_
#define FUSEBOX_CLIENT_CLI_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/time/time.h"

namespace fusebox::cli {

// Accepts a duration with a unit, like 30ms, 5s or 1h30m, from zero on.
CLI::Validator DurationCheck();

// Accepts base64, padded or not, of either alphabet.
CLI::Validator Base64Check();

// Accepts a gRPC status code by number or name and makes it the number: "14" and "unavailable"
// become "14".
CLI::Validator GrpcCodeToNumber();

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

// Decodes what Base64Check() accepts.
std::string DecodeBase64(const std::string& text);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_FLAGS_H_
