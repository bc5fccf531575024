#ifndef FUSEBOX_SERVER_IDENTITY_CREDENTIALS_H_
#define FUSEBOX_SERVER_IDENTITY_CREDENTIALS_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fusebox {

// What a call shows of who makes it.
struct Credentials {
  // Values of the header "authorization", as they came.
  std::vector<std::string> authorization = {};
  // Names of the client certificate, which TLS has checked; empty without one.
  std::vector<std::string> uris = {};
  std::vector<std::string> dns_names = {};
  // Whether there is one, be it without a name.
  bool has_certificate = false;
  // When it expires, where TLS has not looked now: on a connection that resumed the session of an
  // earlier one. Else never; who connects anew is checked then, and not while they are connected.
  absl::Time expires = absl::InfiniteFuture();
};

// Reads them from a call. What they cost beside the call itself: about a microsecond,
// and some ten on a resumed connection.
Credentials ReadCredentials(const grpc::CallbackServerContext& context);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_IDENTITY_CREDENTIALS_H_
