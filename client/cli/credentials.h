// How fuseboxctl shows a server who it is, and checks who the server is.
//
//   CredentialFlags flags{.tls = true, .ca_file = "ca.pem", .token_file = "/run/secrets/fusebox"};
//   const auto credentials = MakeCredentials(flags, "fusebox.internal:7400");
#ifndef FUSEBOX_CLIENT_CLI_CREDENTIALS_H_
#define FUSEBOX_CLIENT_CLI_CREDENTIALS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fusebox::cli {

// As they stand on the command line; empty is not given.
struct CredentialFlags {
  bool tls = false;
  std::string ca_file = {};      // Certificates to trust; without it those of the system.
  std::string cert_file = {};    // The client's own, for mutual TLS: both or
  std::string key_file = {};     // none.
  std::string server_name = {};  // What the server's certificate must say; without it the host.
  std::string token_file = {};   // Holds a bearer token; goes before `token`.
  std::string token = {};        // From the environment only: everybody can see a process's flags.
};

struct Credentials {
  std::shared_ptr<grpc::ChannelCredentials> channel = grpc::InsecureChannelCredentials();
  bool tls = false;
  std::string server_name;    // Overrides what the certificate must say, unless empty.
  std::string authorization;  // The value of the header of that name; empty: none is sent.
};

// Whether what is sent to the address stays on this machine: a socket of Unix, or loopback.
bool IsLocal(absl::string_view address);

// Reads the files. INVALID_ARGUMENT names the flag and the remedy: a flag that needs --tls without
// it, a file that cannot be read, a token that no header can hold, and a token that would go over
// the network in plain text.
absl::StatusOr<Credentials> MakeCredentials(const CredentialFlags& flags,
                                            absl::string_view address);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_CREDENTIALS_H_
