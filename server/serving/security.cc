#include "server/serving/security.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "server/address/listen_address.h"
#include "server/identity/identities.h"
#include "server/log/log.h"
#include "server/tls/certificate.h"
#include "server/tls/listener_credentials.h"

namespace fusebox {
namespace {

// The addresses that other machines reach.
std::vector<std::string> Remote(const config::v1::ServerOptions& options) {
  std::vector<std::string> remote;
  for (const std::string& address : options.listen()) {
    if (!IsLocal(*ParseListenAddress(address))) remote.push_back(address);
  }
  return remote;
}

}  // namespace

Security::Security(const config::v1::ServerOptions& options, const Clock& clock,
                   std::function<void()> on_identities)
    : options_(options), clock_(clock), on_identities_(std::move(on_identities)) {
  if (!options.tls_cert().empty()) {
    std::vector<std::string> paths = {options.tls_cert(), options.tls_key()};
    if (!options.tls_client_ca().empty()) paths.push_back(options.tls_client_ca());
    certificate_files_.emplace("certificate", std::move(paths),
                               [this](const auto& texts) { return TakeCertificate(texts); });
  }
  if (!options.identities().empty()) {
    identities_file_.emplace("identities", std::vector<std::string>{options.identities()},
                             [this](const auto& texts) { return TakeIdentities(texts); });
  }
  if (!options.tls_client_ca().empty()) authorizer_.NameByCertificate();
}

absl::Status Security::Load() {
  absl::Status status;
  if (certificate_files_.has_value()) status.Update(certificate_files_->Reload());
  if (identities_file_.has_value()) status.Update(identities_file_->Reload());
  return status;
}

absl::Status Security::TakeCertificate(const std::vector<std::string>& texts) {
  TlsFiles files = {.chain = {options_.tls_cert(), texts[0]},
                    .key = {options_.tls_key(), texts[1]}};
  if (texts.size() > 2) files.client_ca = {options_.tls_client_ca(), texts[2]};
  absl::StatusOr<Certificate> certificate = CheckCertificate(files, clock_.WallNow());
  if (!certificate.ok()) return certificate.status();
  certificate_.Replace(*std::move(certificate));
  return absl::OkStatus();
}

absl::Status Security::TakeIdentities(const std::vector<std::string>& texts) {
  absl::StatusOr<Identities> identities = Identities::Parse(options_.identities(), texts[0]);
  if (!identities.ok()) return identities.status();
  authorizer_.SetIdentities(*std::move(identities));
  on_identities_();
  return absl::OkStatus();
}

std::shared_ptr<grpc::ServerCredentials> Security::CredentialsFor(const std::string& address) {
  const bool is_unix = !ParseListenAddress(address)->unix_path.empty();
  if (is_unix || !certificate_files_.has_value()) return grpc::InsecureServerCredentials();
  return credentials_.emplace_back(TlsListenerCredentials(certificate_));
}

void Security::LogWarnings() const {
  const std::string remote = absl::StrJoin(Remote(options_), ", ");
  if (options_.insecure()) {
    const bool has_tls = certificate_files_.has_value();
    Log(Severity::kWarning, "insecure",
        {{"listen", remote},
         {"hint", has_tls ? "--insecure does nothing beside --tls-cert; remove it"
                          : "others can read tokens and answers on the way; set --tls-cert and "
                            "--tls-key instead of --insecure"}});
  }
  const std::string& http = options_.http_listen();
  if (options_.metrics_max_breakers() > 0 && !http.empty() && !IsLocal(*ParseListenAddress(http))) {
    Log(Severity::kWarning, "everybody_may_read_metrics",
        {{"http_listen", http},
         {"hint",
          "/metrics names breakers to whoever can connect; keep others off by a network "
          "policy, or do without alerts about single ones by --metrics-max-breakers=0"}});
  }
  if (options_.http_insecure() && !http.empty() && !IsLocal(*ParseListenAddress(http))) {
    Log(Severity::kWarning, "http_insecure",
        {{"http_listen", http},
         {"hint", options_.http_tls()
                      ? "--http-insecure does nothing beside --http-tls; remove it"
                      : "others can read tokens and answers of this port on the way; set "
                        "--http-tls instead, or let a network policy keep them off it"}});
  }
  if (remote.empty() || identities_file_.has_value()) return;
  Log(Severity::kWarning, "everybody_may_do_everything",
      {{"listen", remote},
       {"who", options_.tls_client_ca().empty() ? "who can connect"
                                                : "who has a certificate of --tls-client-ca"},
       {"hint", "set --identities to say who may do what"}});
}

void Security::Show(v1::GetServerInfoResponse& info) const {
  if (certificate_files_.has_value()) {
    info.set_certificate_error(certificate_files_->state().error);
    const absl::Time expires = certificate_.Get().certificate->not_after;
    info.mutable_certificate_expire_time()->set_seconds(absl::ToUnixSeconds(expires));
  }
  if (identities_file_.has_value()) info.set_identities_error(identities_file_->state().error);
}

std::vector<const WatchedFiles*> Security::files() const {
  std::vector<const WatchedFiles*> files;
  for (const auto* each : {&certificate_files_, &identities_file_}) {
    if (each->has_value()) files.push_back(&**each);
  }
  return files;
}

}  // namespace fusebox
