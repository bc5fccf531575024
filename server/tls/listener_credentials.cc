#include "server/tls/listener_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "server/sync/mutex.h"

namespace fusebox {
namespace {

class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(const LiveCertificate& live) : live_(live) {
    const bool asks_clients = !live.Get().certificate->client_ca.empty();
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            asks_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                         : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            &Credentials::Fetch, this));
  }
  ~Credentials() override { grpc_server_credentials_release(credentials_); }
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  // For those who look at calls before their handlers, which nobody does here.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // As gRPC calls it, on any of its threads, before each handshake.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<Credentials*>(self)->Fetch(config);
  }

  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    MutexLock lock(&mutex_);
    const LiveCertificate::Version version = live_.Get();
    if (version.number == fetched_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    fetched_ = version.number;
    const Certificate& certificate = *version.certificate;
    const grpc_ssl_pem_key_cert_pair pair = {certificate.key.c_str(), certificate.chain.c_str()};
    // gRPC insists on a CA also where no client is asked for a certificate. Any will do there.
    const std::string& client_ca =
        certificate.client_ca.empty() ? certificate.chain : certificate.client_ca;
    *config = grpc_ssl_server_certificate_config_create(client_ca.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const LiveCertificate& live_;
  grpc_server_credentials* credentials_;
  Mutex mutex_;
  uint64_t fetched_ ABSL_GUARDED_BY(mutex_) = 0;  // The last version that gRPC was given.
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsListenerCredentials(
    const LiveCertificate& certificate) {
  return std::make_shared<Credentials>(certificate);
}

}  // namespace fusebox
