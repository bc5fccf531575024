// Flags and arguments that several verbs have, and kinds of values.
#ifndef FUSEBOX_CLIENT_CLI_FLAGS_H_
#define FUSEBOX_CLIENT_CLI_FLAGS_H_

#include <string>

#include "absl/time/time.h"
#include "client/cli/flag_set.h"

namespace fusebox::cli {

// What is wrong with a text that should be base64, padded or not, of either alphabet; nothing if it
// is.
std::string Base64Fault(const std::string& text);

// Makes a gRPC status code by number or name the number: "14" and "unavailable" become "14". Says
// what is wrong with any other text.
std::string MakeGrpcCode(std::string& text);

// What is wrong with a text that should be a time in RFC 3339, or a duration, which is so long ago;
// nothing if it is.
std::string MomentFault(const std::string& text);

// What has no MomentFault(), as a time; `now` is where durations end.
absl::Time ParseMoment(const std::string& text, absl::Time now);

// NAME, required: one breaker.
Flag AddBreakerName(FlagSet verb, std::string& value);

// GLOB: which breakers; all, if it is left out.
Flag AddGlob(FlagSet verb, std::string& value);

// MATCH, required: a breaker or a glob that an override is for.
Flag AddMatch(FlagSet verb, std::string& value);

// --reason, for the history.
Flag AddReason(FlagSet verb, std::string& value);

// --dry-run.
Flag AddDryRun(FlagSet verb, bool& value);

// -f/--file, required: a file with policies and retry budgets.
Flag AddFile(FlagSet verb, std::string& value);

// Decodes what has no Base64Fault().
std::string DecodeBase64(const std::string& text);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_FLAGS_H_
