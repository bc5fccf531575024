#ifndef FUSEBOX_SERVER_RPC_PEER_H_
#define FUSEBOX_SERVER_RPC_PEER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fusebox {

// Which client a call is from: what it calls itself, else its address without the port; behind
// whom it proved to be, if it did.
//
//   PeerClient("", "ipv4:10.1.2.3:40912")            "10.1.2.3"
//   PeerClient("", "ipv6:%5B::1%5D:40912")           "::1"
//   PeerClient("", "unix:")                          "unix"
//   PeerClient("", "ipv4:10.1.2.3:40912", "cart")    "cart@10.1.2.3"
//   PeerClient("web-7", "unix:", "cart")             "cart@web-7"
//
// Where both together would be longer than a client's name may be, the end is cut off: of what is
// claimed, never of who they proved to be. A claim that is too long by itself stays as it is,
// alone, for who checks names to refuse.
std::string PeerClient(absl::string_view client, absl::string_view peer,
                       absl::string_view proven = "");

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_PEER_H_
