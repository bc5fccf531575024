#ifndef FUSEBOX_CORE_OVERRIDE_H_
#define FUSEBOX_CORE_OVERRIDE_H_

#include <cstdint>
#include <string>

#include "core/tick.h"

namespace fusebox {

enum class OverrideMode : uint8_t {
  kForcedOpen,    // Refuses every call.
  kForcedClosed,  // The breaker refuses no call; the budget still may.
  kShadow,        // Runs and spends every part as if enforced, and lets every call pass.
};

// What an operator imposes on a breaker. It changes the answer, never the state underneath: that
// goes on as if it were enforced, and a call that passes only by the override has no vote.
struct Override {
  OverrideMode mode = OverrideMode::kForcedOpen;
  std::string reason = {};
  std::string actor = {};
  Tick expires = Tick::Max();
  Tick began = {};
  std::string match = {};  // The name or the glob that it is for.
  bool by_name = false;    // `match` is a name.
  bool drill = false;      // FORCED_OPEN for a while, to prove that callers can do without.
  // The greater, the newer; OverrideSet gives it. Times do not tell: a wall clock may go back.
  uint64_t order = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_OVERRIDE_H_
