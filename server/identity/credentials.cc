#include "server/identity/credentials.h"

#include <grpc/grpc_security_constants.h>

#include <memory>

#include "server/tls/certificate.h"

namespace fusebox {
namespace {

std::vector<std::string> Values(const grpc::AuthContext& auth, const char* property) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : auth.FindPropertyValues(property)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

bool IsResumed(const grpc::AuthContext& auth) {
  const std::vector<grpc::string_ref> values =
      auth.FindPropertyValues(GRPC_SSL_SESSION_REUSED_PROPERTY);
  return !values.empty() && values.front() == "true";
}

}  // namespace

Credentials ReadCredentials(const grpc::CallbackServerContext& context) {
  Credentials credentials;
  const auto [begin, end] = context.client_metadata().equal_range("authorization");
  for (auto it = begin; it != end; ++it) {
    credentials.authorization.emplace_back(it->second.data(), it->second.size());
  }
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr) return credentials;
  const std::vector<std::string> certificate = Values(*auth, GRPC_X509_PEM_CERT_PROPERTY_NAME);
  credentials.has_certificate = !certificate.empty();
  if (credentials.has_certificate && IsResumed(*auth)) {
    credentials.expires = ExpiryOf(certificate.front());
  }
  if (auth->IsPeerAuthenticated()) {
    credentials.uris = Values(*auth, GRPC_PEER_URI_PROPERTY_NAME);
    credentials.dns_names = Values(*auth, GRPC_PEER_DNS_PROPERTY_NAME);
  }
  return credentials;
}

}  // namespace fusebox
