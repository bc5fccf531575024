#ifndef FUSEBOX_CLIENT_CPP_CLIENT_BACKEND_H_
#define FUSEBOX_CLIENT_CPP_CLIENT_BACKEND_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/numbers.h"
#include "fusebox/client.h"
#include "fusebox/client_clock.h"
#include "fusebox/internal/gate.h"

namespace fusebox::internal {

// What all breakers of a client stand on.
struct Foundation {
  const ClientClock& clock = ClientClock::OfMachine();
  Numbers numbers;
  // Until a server says what rules.
  const std::shared_ptr<const RulingPolicy> standard =
      std::make_shared<const RulingPolicy>(Policy());
};

// How a client talks with its server; its breakers stand on that. Thread-safe; its end tells what
// is left to tell.
class Backend {
 public:
  virtual ~Backend() = default;

  // Makes the breaker of a name that has none yet. It lives as long as this.
  virtual Gate& Make(std::string name) = 0;

  virtual bool WaitForServer(absl::Duration longest) const = 0;
  virtual ClientStats stats() const = 0;
  virtual bool IsConnected() const = 0;
  virtual absl::Status ConnectionError() const = 0;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CLIENT_BACKEND_H_
