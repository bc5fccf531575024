#ifndef FUSEBOX_SERVER_HTTP_OWN_PAGES_H_
#define FUSEBOX_SERVER_HTTP_OWN_PAGES_H_

#include <string>
#include <vector>

#include "server/http/http_message.h"

namespace fusebox {

// The same route for people and programs, but not for other sites' pages in somebody's browser:
//
// - 421 if the request is for a name that is not ours. A page may have its own name mean our
// address
//   ("DNS rebinding") and would then be of one origin with us. Ours are "localhost", addresses, and
//   `names`, by which the server is reached otherwise.
// - 403 if a browser says that it comes from a page of another origin. One whose name is among
//   `names` is our own behind a proxy.
HttpRoute ForOwnPages(HttpRoute route, std::vector<std::string> names);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_OWN_PAGES_H_
