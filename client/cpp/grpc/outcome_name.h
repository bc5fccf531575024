#ifndef FUSEBOX_CLIENT_CPP_GRPC_OUTCOME_NAME_H_
#define FUSEBOX_CLIENT_CPP_GRPC_OUTCOME_NAME_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/outcome.h"

namespace fusebox::internal {

// As the API calls it, without its prefix: "TIMEOUT".
std::string NameOf(Outcome outcome);
// Nothing for what is no outcome's name.
std::optional<Outcome> OutcomeNamed(absl::string_view name);

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_GRPC_OUTCOME_NAME_H_
