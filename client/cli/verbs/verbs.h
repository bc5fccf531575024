// The verbs of fuseboxctl; each function declares one, in the file of its name.
#ifndef FUSEBOX_CLIENT_CLI_VERBS_VERBS_H_
#define FUSEBOX_CLIENT_CLI_VERBS_VERBS_H_

#include "client/cli/command.h"

namespace fusebox::cli {

void AddAllow(Commands& commands);
void AddRecord(Commands& commands);
void AddGet(Commands& commands);
void AddList(Commands& commands);
void AddWatch(Commands& commands);
void AddHealth(Commands& commands);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_VERBS_VERBS_H_
