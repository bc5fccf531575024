// Runs programs of the user's choice: the editor, the diff program.
#ifndef FUSEBOX_CLIENT_CLI_TOOL_H_
#define FUSEBOX_CLIENT_CLI_TOOL_H_

#include <csignal>
#include <string>
#include <vector>

namespace fusebox::cli {

// While it lives Ctrl-C and Ctrl-\ do not end this process: they are meant for the program that has
// the terminal, and what was written there is still to be put away. Not thread-safe.
class NoInterrupts {
 public:
  NoInterrupts();
  NoInterrupts(const NoInterrupts&) = delete;
  NoInterrupts& operator=(const NoInterrupts&) = delete;
  ~NoInterrupts();

 private:
  struct sigaction interrupt_;
  struct sigaction quit_;
};

// Runs a command line of the shell, such as "code --wait", with further arguments, on this
// process's own stdin, stdout and stderr. Ctrl-C and Ctrl-\ reach only the program. Returns its
// exit code, 127 if there is no such program, and 128 + N if signal N ended it; -1 if not even a
// shell could be started.
int RunTool(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TOOL_H_
