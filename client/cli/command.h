// What the verbs of fuseboxctl have in common.
//
// A verb is one file in verbs/: a struct with its flags, a function that runs it, and one that
// declares it, which is named in verbs/verbs.h and called in app.cc.
//
//   struct GetFlags {
//     std::string name;
//   };
//   int Get(Invocation& cli, const GetFlags& flags) { ... }
//   void AddGet(Commands& commands) {
//     auto [verb, flags] = commands.Add<GetFlags>("get", "Shows one breaker", Get);
//     AddBreakerName(verb, flags.name);
//   }
#ifndef FUSEBOX_CLIENT_CLI_COMMAND_H_
#define FUSEBOX_CLIENT_CLI_COMMAND_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/cli/channel.h"
#include "client/cli/cli11.h"
#include "client/cli/flag_set.h"
#include "client/cli/output.h"
#include "client/cli/talk.h"

namespace fusebox::cli {

// How the process ends. Scripts depend on these, so a number never changes its meaning.
enum ExitCode : int {
  kOk = 0,
  kDenied = 1,          // `allow`: the call must not be made.
  kDifferent = 1,       // `diff`: applying the file would change something.
  kUsage = 2,           // The command line, the environment or a file that it names is wrong.
  kOutputFailed = 3,    // stdout took no more, as on a full disk.
  kToolFailed = 4,      // The editor or the diff program could not be run, or failed.
  kRpcErrorBase = 64,   // Plus the gRPC status code: 78 is UNAVAILABLE.
  kHealthBadFlags = 1,  // `health` speaks the language of grpc-health-probe.
  kHealthNoConnection = 2,
  kHealthRpcFailed = 3,
  kHealthNotServing = 4,
};

// What a verb runs with. Used from one thread.
struct Invocation {
  Connection& server;
  Output& out;              // Data.
  Talk& err;                // What is said about it.
  const std::string actor;  // Who asks, for the history.
};

// The verbs of the command line, or those of one group ("policy"), of which at most one is chosen.
class Commands {
 public:
  // Verbs are added to `app`, which must outlive this.
  explicit Commands(CLI::App& app) : app_(app), chosen_(std::make_shared<Chosen>()) {}
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  // Declares a verb. `run` gets the flags, is called by Run() if this verb was chosen, and returns
  // an exit code. The set and the flags live as long as the app.
  template <typename Flags>
  std::pair<FlagSet, Flags&> Add(const std::string& name, const std::string& description,
                                 int (*run)(Invocation&, const Flags&)) {
    auto flags = std::make_shared<Flags>();
    const Chosen runs = [run, flags](Invocation& cli) { return run(cli, *flags); };
    return {Declare(name, description, runs), *flags};
  }

  // Declares a group of verbs, one of which must follow its name.
  Commands Group(const std::string& name, const std::string& description);

  // Runs the verb that the parsed command line chose; one must have been.
  int Run(Invocation& cli) const { return (*chosen_)(cli); }

 private:
  using Chosen = std::function<int(Invocation&)>;

  Commands(CLI::App& app, std::shared_ptr<Chosen> chosen) : app_(app), chosen_(std::move(chosen)) {}

  FlagSet Declare(const std::string& name, const std::string& description, Chosen runs);

  CLI::App& app_;
  const std::shared_ptr<Chosen> chosen_;  // Shared with the groups.
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_COMMAND_H_
