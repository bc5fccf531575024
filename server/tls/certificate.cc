#include "server/tls/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

template <auto Release>
struct Free {
  template <typename T>
  void operator()(T* thing) const {
    Release(thing);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using X509Cert = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;

absl::Status Refuse(const PemFile& file, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(QuoteForError(file.path), " ", what));
}

// What OpenSSL says to its last error; forgets all of them.
std::string OpenSslError() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

Bio Open(const PemFile& file) {
  return Bio(BIO_new_mem_buf(file.text.data(), static_cast<int>(file.text.size())));
}

// OpenSSL would ask for a passphrase on the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*for_writing*/, void* /*data*/) { return -1; }

// All certificates of the file, of which there is at least one.
absl::StatusOr<std::vector<X509Cert>> ReadCertificates(const PemFile& file) {
  const Bio bio = Open(file);
  std::vector<X509Cert> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string error = OpenSslError();
  if (!at_end) {
    return Refuse(file, absl::StrCat("breaks off or is damaged (", error,
                                     "); write whole certificates in PEM"));
  }
  if (certificates.empty()) {
    return Refuse(file, "holds no certificate; write it in PEM: -----BEGIN CERTIFICATE-----");
  }
  return certificates;
}

absl::StatusOr<Key> ReadKey(const PemFile& file) {
  const Bio bio = Open(file);
  ERR_clear_error();
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  const std::string error = OpenSslError();
  if (key != nullptr) return key;
  return Refuse(file, absl::StrCat("holds no private key that can be read (", error,
                                   "); write it in PEM, without a passphrase"));
}

absl::Time ToTime(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTM(fields, absl::UTCTimeZone());
}

absl::Status CheckDates(const PemFile& file, const X509* certificate, absl::Time now,
                        absl::string_view remedy) {
  const absl::Time from = ToTime(X509_get0_notBefore(certificate));
  const absl::Time to = ToTime(X509_get0_notAfter(certificate));
  if (now > to) {
    return Refuse(
        file, absl::StrCat("expired at ", absl::FormatTime(to, absl::UTCTimeZone()), "; ", remedy));
  }
  if (now < from) {
    return Refuse(file,
                  absl::StrCat("is not valid before ", absl::FormatTime(from, absl::UTCTimeZone()),
                               "; wait, or set this machine's clock"));
  }
  return absl::OkStatus();
}

// One authority that is valid will do: beside a new one the old one may stay until it is taken out.
absl::Status CheckClientCa(const PemFile& file, absl::Time now) {
  const absl::StatusOr<std::vector<X509Cert>> authorities = ReadCertificates(file);
  absl::Status status = authorities.status();
  if (!status.ok()) return status;
  for (const X509Cert& authority : *authorities) {
    status = CheckDates(file, authority.get(), now,
                        "put there a new one, which has signed clients' certificates");
    if (status.ok()) break;
  }
  return status;
}

// Does what a handshake will do.
absl::Status CheckUse(const TlsFiles& files, const std::vector<X509Cert>& chain, EVP_PKEY* key) {
  if (X509_check_private_key(chain.front().get(), key) != 1) {
    ERR_clear_error();
    return Refuse(files.key, absl::StrCat("is not the key of the first certificate in ",
                                          QuoteForError(files.chain.path),
                                          "; put there the two that belong together"));
  }
  const Context context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key) != 1) {
    return Refuse(files.chain, absl::StrCat("is refused by OpenSSL (", OpenSslError(),
                                            "); make one with a stronger key or digest"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Certificate> CheckCertificate(const TlsFiles& files, absl::Time now) {
  const absl::StatusOr<std::vector<X509Cert>> chain = ReadCertificates(files.chain);
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<Key> key = ReadKey(files.key);
  if (!key.ok()) return key.status();
  if (absl::Status status = CheckUse(files, *chain, key->get()); !status.ok()) return status;
  const X509* own = chain->front().get();
  absl::Status status = CheckDates(files.chain, own, now, "put a new one there, with its key");
  if (status.ok() && !files.client_ca.path.empty()) status = CheckClientCa(files.client_ca, now);
  if (!status.ok()) return status;
  return Certificate{.chain = files.chain.text,
                     .key = files.key.text,
                     .client_ca = files.client_ca.text,
                     .not_after = ToTime(X509_get0_notAfter(own))};
}

absl::Time ExpiryOf(absl::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const X509Cert certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  return certificate == nullptr ? absl::InfinitePast()
                                : ToTime(X509_get0_notAfter(certificate.get()));
}

}  // namespace fusebox
