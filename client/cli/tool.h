// Runs programs of the user's choice: the editor, the diff program.
#ifndef FUSEBOX_CLIENT_CLI_TOOL_H_
#define FUSEBOX_CLIENT_CLI_TOOL_H_

#include <string>
#include <vector>

namespace fusebox::cli {

// Runs a command line of the shell, such as "code --wait", with further arguments, on this
// process's own stdin, stdout and stderr. Returns its exit code, 127 if there is no such program,
// and 128 + N if signal N ended it; -1 if not even a shell could be started.
int RunTool(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TOOL_H_
