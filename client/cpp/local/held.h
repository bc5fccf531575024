#ifndef FUSEBOX_CLIENT_CPP_LOCAL_HELD_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_HELD_H_

#include <optional>
#include <string>

#include "core/guard.h"
#include "fusebox/internal/gate.h"

namespace fusebox::internal {

class Gate::Held {
 public:
  std::string lent;           // A permit of the server's, or
  std::optional<Permit> own;  // of the own breaker.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_HELD_H_
