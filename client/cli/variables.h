// Every flag is an environment variable too: --limit of `list` is FUSEBOX_LIST_LIMIT, that of
// `policy list` would be FUSEBOX_POLICY_LIST_LIMIT, and --server, which all verbs have, is
// FUSEBOX_SERVER. A flag goes before its variable.
#ifndef FUSEBOX_CLIENT_CLI_VARIABLES_H_
#define FUSEBOX_CLIENT_CLI_VARIABLES_H_

#include <string>

#include "client/cli/cli11.h"

namespace fusebox::cli {

// Derives the variables of all flags that are declared by now, those of verbs included.
void NameVariables(CLI::App& app);

// The variable that a complaint is about, in a line that names it and its value: it may have been
// set long ago and forgotten. Empty if it is about none. `app` was parsed.
std::string BlameVariable(const CLI::App& app, const std::string& complaint);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_VARIABLES_H_
