#ifndef FUSEBOX_TESTS_TESTING_CERTIFICATES_H_
#define FUSEBOX_TESTS_TESTING_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "absl/time/time.h"

namespace fusebox {

// A certificate that signed itself, and its key, in PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

struct TestCertificateOptions {
  absl::Time not_before = absl::UnixEpoch();
  absl::Time not_after = absl::FromUnixSeconds(4'000'000'000);
  std::string passphrase = {};  // Of the key; empty: none.
  int rsa_bits = 0;             // 0: an elliptic curve.
};

// What was written into a memory BIO, which is freed.
inline std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(bio, &data));
  std::string text(data, size);
  BIO_free(bio);
  return text;
}

inline TestCertificate MakeTestCertificate(const TestCertificateOptions& options = {}) {
  EVP_PKEY* key = options.rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(options.rsa_bits))
                                       : EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(options.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(options.not_after));
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());

  BIO* certificate_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  BIO* key_text = BIO_new(BIO_s_mem());
  const std::string& passphrase = options.passphrase;
  PEM_write_bio_PrivateKey(key_text, key, passphrase.empty() ? nullptr : EVP_aes_256_cbc(),
                           reinterpret_cast<const unsigned char*>(passphrase.data()),
                           static_cast<int>(passphrase.size()), nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {TakeText(certificate_text), TakeText(key_text)};
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_CERTIFICATES_H_
