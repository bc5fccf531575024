#ifndef FUSEBOX_SERVER_PROCESS_UNIX_SOCKET_H_
#define FUSEBOX_SERVER_PROCESS_UNIX_SOCKET_H_

#include <string>

namespace fusebox {

// Whether some process listens on the socket at this path. gRPC removes whatever is there before it
// listens itself, and so would take a running server's socket away without a word.
bool IsListenedOn(const std::string& path);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_PROCESS_UNIX_SOCKET_H_
