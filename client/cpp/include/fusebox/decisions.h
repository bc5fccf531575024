#ifndef FUSEBOX_DECISIONS_H_
#define FUSEBOX_DECISIONS_H_

#include <cstdint>

namespace fusebox {

// Decisions about calls, by what decided: those that refused, and those of calls whose ends are
// known.
struct Decisions {
  uint64_t pushed = 0;           // States that the server had pushed.
  uint64_t lent = 0;             // Permits that it had lent.
  uint64_t unary = 0;            // The server, asked by an RPC for each (ClientMode::kUnary).
  uint64_t local = 0;            // The client's own breakers.
  uint64_t allowed_blindly = 0;  // Nothing: without a server, by WithoutServer::kAllow.
  uint64_t denied_blindly = 0;   // Nothing: the same by kDeny.

  Decisions& operator+=(const Decisions& other) {
    pushed += other.pushed;
    lent += other.lent;
    unary += other.unary;
    local += other.local;
    allowed_blindly += other.allowed_blindly;
    denied_blindly += other.denied_blindly;
    return *this;
  }
};

}  // namespace fusebox

#endif  // FUSEBOX_DECISIONS_H_
