#ifndef FUSEBOX_SERVER_TLS_LISTENER_CREDENTIALS_H_
#define FUSEBOX_SERVER_TLS_LISTENER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/live_certificate.h"

namespace fusebox {

// What a port needs to serve TLS with a certificate that may be replaced at any moment:
//
//   const auto credentials = TlsListenerCredentials(certificate);
//   builder.AddListeningPort("0.0.0.0:7400", credentials, &port);
//
// Every handshake asks for the newest version. If the first one has a CA for clients, no client
// gets through without a certificate that the newest one's CA signed. For one port only.
// `certificate` must have a version; it and the result must outlive the server.
//
// gRPC has a provider that watches files, but that one stops serving when key and certificate do
// not belong together for a moment; so this is its other way, which asks us.
std::shared_ptr<grpc::ServerCredentials> TlsListenerCredentials(const LiveCertificate& certificate);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_TLS_LISTENER_CREDENTIALS_H_
