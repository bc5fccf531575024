// Addresses that a server listens on.
//
//   ParseListenAddress("127.0.0.1:7400")     // {.host = "127.0.0.1", .port = 7400}
//   ParseListenAddress("[::1]:0")            // {.host = "[::1]", .port = 0}: any free port
//   ParseListenAddress("unix:/run/f.sock")   // {.unix_path = "/run/f.sock"}
//
// Nothing is resolved. Thread-safe.
#ifndef FUSEBOX_SERVER_ADDRESS_LISTEN_ADDRESS_H_
#define FUSEBOX_SERVER_ADDRESS_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fusebox {

struct ListenAddress {
  // Of a Unix socket: absolute, at most 107 bytes. Empty for TCP.
  std::string unix_path{};
  // A name or an address, in lower case, with brackets around IPv6.
  std::string host{};
  uint16_t port = 0;
};

// INVALID_ARGUMENT with a message to be put after the name of the option: `is "7400"; write
// host:port, like 127.0.0.1:7400, or unix:/path`.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text);

// The same, for who can listen on TCP only.
absl::StatusOr<ListenAddress> ParseTcpAddress(absl::string_view text);

// Whether only this machine reaches it: a Unix socket, localhost, 127.0.0.0/8, [::1]. Of any other
// name nobody knows what it will mean.
bool IsLocal(const ListenAddress& address);

// Whether listening on both would be asking for one socket twice: the same path, or the same port
// (but 0) of the same host or of any host.
bool Collide(const ListenAddress& a, const ListenAddress& b);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ADDRESS_LISTEN_ADDRESS_H_
