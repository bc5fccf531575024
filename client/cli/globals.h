// The flags of every verb.
#ifndef FUSEBOX_CLIENT_CLI_GLOBALS_H_
#define FUSEBOX_CLIENT_CLI_GLOBALS_H_

#include <string>

#include "absl/time/time.h"
#include "client/cli/credentials.h"
#include "client/cli/flag_set.h"
#include "client/cli/output.h"

namespace fusebox::cli {

struct GlobalFlags {
  std::string server = "127.0.0.1:7400";
  absl::Duration timeout = absl::Seconds(5);
  std::string output = "table";
  std::string actor;
  CredentialFlags credentials;

  Format format() const;
};

// Declares them; `flags` must outlive the parsing. The token and who asks are taken from the
// environment now.
void AddGlobalFlags(FlagSet all, GlobalFlags& flags);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_GLOBALS_H_
