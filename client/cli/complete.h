// What may follow on a command line: what shells ask for when TAB is pressed.
//
//   fuseboxctl __complete policy get pay      prints "payments", and what else begins so
//
// The scripts of `fuseboxctl completion` call it with the words after "fuseboxctl" up to the
// cursor, the last of which may be empty.
#ifndef FUSEBOX_CLIENT_CLI_COMPLETE_H_
#define FUSEBOX_CLIENT_CLI_COMPLETE_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cli/cli11.h"

namespace fusebox::cli {

// The verb that scripts use; no help shows it.
inline constexpr absl::string_view kCompleteVerb = "__complete";

// Prints what may stand for the last word, a line each: verbs, flags, values of a flag, and names
// of breakers, policies and budgets, for which the server that the line or the environment names is
// asked, for half a second at most. No server is asked if the words do not say clearly which one.
// What is printed is of [A-Za-z0-9._~/-], behind what stands in the last word already ("--state=");
// a name with anything else in it is left out. Errors print nothing: whoever types wants none
// between the words. Returns 1 where a file is to be named, which shells know better, and else 0.
int Complete(CLI::App& app, const std::vector<std::string>& words, std::ostream& out);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_COMPLETE_H_
