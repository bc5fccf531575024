#ifndef FUSEBOX_SERVER_ENGINE_ALLOW_ANSWER_H_
#define FUSEBOX_SERVER_ENGINE_ALLOW_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/call.h"
#include "core/override.h"
#include "server/engine/permit_seal.h"

// What becomes of an Allow that was asked of one breaker or of several.
namespace fusebox {

// What one of several breakers said.
struct Refused {
  size_t index = 0;  // Among those that were asked.
  Decision decision = {};
};

// An answer to Engine::Allow().
struct AllowAnswer {
  size_t chosen = 0;  // Of several breakers: whose answer it is.
  Decision decision = {};
  SealedPermit permit = {};           // When allowed.
  std::vector<Refused> refused = {};  // Of several: who refused before, or all.
  uint64_t ticket = 0;                // When it waits: for Engine::CancelWait().
};

// Called once with the answer of a call that waited, from any thread, which may not be held up.
// False: the caller is gone, and makes no call.
using WhenAnswered = std::function<bool(AllowAnswer)>;

// A FORCED_OPEN that is a drill; null if it is none.
using Drill = std::shared_ptr<const Override>;

// A call that waits, and what it was told so far.
struct WaitingCall {
  std::vector<std::string> breakers = {};  // That were asked.
  size_t chosen = 0;                       // The one that it waits for.
  std::string client = {};
  std::vector<Refused> refused = {};
  std::vector<Drill> drills = {};  // That refused it.
  WhenAnswered answered = {};

  const std::string& breaker() const { return breakers[chosen]; }
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_ALLOW_ANSWER_H_
