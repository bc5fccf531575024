// fuseboxctl: asks and looks after a Fusebox server from a shell.
//
//   fuseboxctl allow payments.v1.ChargeService/Charge && curl ...
//   fuseboxctl list 'payments.v1.*/**' --state OPEN
//   FUSEBOX_SERVER=fusebox.internal:7400 fuseboxctl get db/orders -o json | jq .breaker.state
//
// Data goes to stdout and talk to stderr, so that a pipe carries data only.
#ifndef FUSEBOX_CLIENT_CLI_APP_H_
#define FUSEBOX_CLIENT_CLI_APP_H_

namespace fusebox::cli {

// Parses the command line and the environment, runs the verb and returns the process's exit code
// (see ExitCode in command.h). Uses std::cout and std::cerr; call it once, from main.
int RunApp(int argc, const char* const* argv);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_APP_H_
