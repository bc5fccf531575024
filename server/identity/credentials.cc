#include "server/identity/credentials.h"

#include <grpc/grpc_security_constants.h>

#include <memory>

namespace fusebox {
namespace {

std::vector<std::string> Values(const grpc::AuthContext& auth, const char* property) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : auth.FindPropertyValues(property)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

}  // namespace

Credentials ReadCredentials(const grpc::CallbackServerContext& context) {
  Credentials credentials;
  const auto [begin, end] = context.client_metadata().equal_range("authorization");
  for (auto it = begin; it != end; ++it) {
    credentials.authorization.emplace_back(it->second.data(), it->second.size());
  }
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    credentials.uris = Values(*auth, GRPC_PEER_URI_PROPERTY_NAME);
    credentials.dns_names = Values(*auth, GRPC_PEER_DNS_PROPERTY_NAME);
  }
  return credentials;
}

}  // namespace fusebox
