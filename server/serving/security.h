#ifndef FUSEBOX_SERVER_SERVING_SECURITY_H_
#define FUSEBOX_SERVER_SERVING_SECURITY_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fusebox/v1/admin.pb.h"
#include "server/engine/clock.h"
#include "server/files/watched_files.h"
#include "server/identity/authorizer.h"
#include "server/options/options.pb.h"
#include "server/tls/live_certificate.h"

namespace fusebox {

// Who may reach one server, and how: its certificate, its identities, and the files of both.
//
// Every TCP port serves TLS if there is a certificate; Unix sockets never do. Thread-safe but for
// CredentialsFor().
class Security {
 public:
  // `options` and `clock` must outlive it. `on_identities` is called when others may do other
  // things than before.
  Security(const config::v1::ServerOptions& options, const Clock& clock,
           std::function<void()> on_identities);

  // Reads the files of the certificate and of the identities, where there are any; to be called
  // once before all else, and then every second or so. What is wrong later is logged, too, and what
  // was in force stays.
  absl::Status Load();

  // What a port for this address is to be opened with. Kept until this is gone.
  std::shared_ptr<grpc::ServerCredentials> CredentialsFor(const std::string& address);

  // Logs what an operator should know who has left a door open.
  void LogWarnings() const;

  // Says how it is doing.
  void Show(v1::GetServerInfoResponse& info) const;

  const Authorizer& authorizer() const { return authorizer_; }
  const LiveCertificate& certificate() const { return certificate_; }
  std::vector<const WatchedFiles*> files() const;

 private:
  absl::Status TakeCertificate(const std::vector<std::string>& texts);
  absl::Status TakeIdentities(const std::vector<std::string>& texts);

  const config::v1::ServerOptions& options_;
  const Clock& clock_;
  const std::function<void()> on_identities_;
  LiveCertificate certificate_;
  Authorizer authorizer_{[this] { return clock_.WallNow(); }};
  std::optional<WatchedFiles> certificate_files_;
  std::optional<WatchedFiles> identities_file_;
  std::vector<std::shared_ptr<grpc::ServerCredentials>> credentials_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_SECURITY_H_
