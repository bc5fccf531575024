#ifndef FUSEBOX_SERVER_TLS_CERTIFICATE_H_
#define FUSEBOX_SERVER_TLS_CERTIFICATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fusebox {

// What a file says in PEM; `path` names it in errors.
struct PemFile {
  std::string path = {};
  std::string text = {};
};

// What a server shows to its clients, and what it asks of them.
struct TlsFiles {
  PemFile chain = {};      // The server's own certificate, then those between it and a root.
  PemFile key = {};        // Of the first certificate; without a passphrase.
  PemFile client_ca = {};  // Who may sign clients' certificates. No path: none is asked for.
};

// A certificate that was checked.
struct Certificate {
  std::string chain;
  std::string key;
  std::string client_ca;  // Empty: clients show none.
  absl::Time not_after;   // When the first one of the chain expires.
};

// Checks all that would fail later, in the middle of somebody's connection: that the files hold
// what they should, that key and certificate belong together, that OpenSSL takes them, and that the
// certificate is valid `now`, and one of those who may sign clients' certificates. The error is
// INVALID_ARGUMENT, and names the file and the remedy. Thread-safe.
absl::StatusOr<Certificate> CheckCertificate(const TlsFiles& files, absl::Time now);

// When a certificate in PEM expires; long ago if it is none. Takes some 10 us. Thread-safe.
absl::Time ExpiryOf(absl::string_view pem);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_TLS_CERTIFICATE_H_
