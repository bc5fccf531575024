// The verbs of fuseboxctl; each function declares one, in the file of its name.
#ifndef FUSEBOX_CLIENT_CLI_VERBS_VERBS_H_
#define FUSEBOX_CLIENT_CLI_VERBS_VERBS_H_

#include "client/cli/command.h"

namespace fusebox::cli {

void AddAllow(Commands& commands);
void AddApply(Commands& commands);
void AddBudget(Commands& commands);
void AddClear(Commands& commands);
void AddCompletion(Commands& commands);
void AddDelete(Commands& commands);
void AddDescribe(Commands& commands);
void AddDiff(Commands& commands);
void AddDrill(Commands& commands);
void AddEdit(Commands& commands);
void AddGet(Commands& commands);
void AddHealth(Commands& commands);
void AddHistory(Commands& commands);
void AddList(Commands& commands);
void AddOverride(Commands& commands);
void AddOverrides(Commands& commands);
void AddPolicy(Commands& commands);
void AddRecord(Commands& commands);
void AddReset(Commands& commands);
void AddSimulate(Commands& commands);
void AddTop(Commands& commands);
void AddVersion(Commands& commands);
void AddWait(Commands& commands);
void AddWatch(Commands& commands);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_VERBS_VERBS_H_
