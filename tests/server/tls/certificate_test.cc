#include "server/tls/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "testing/certificates.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const absl::Time kFrom = absl::FromUnixSeconds(1'000'000'000);
const absl::Time kTo = absl::FromUnixSeconds(2'000'000'000);
const absl::Time kNow = absl::FromUnixSeconds(1'500'000'000);

const TestCertificate& Ours() {
  static const auto* const kOurs =
      new TestCertificate(MakeTestCertificate({.not_before = kFrom, .not_after = kTo}));
  return *kOurs;
}

const TestCertificate& Another() {
  static const auto* const kAnother = new TestCertificate(MakeTestCertificate());
  return *kAnother;
}

TlsFiles Files(const std::string& chain = Ours().certificate, const std::string& key = Ours().key) {
  return {.chain = {"tls.crt", chain}, .key = {"tls.key", key}};
}

std::string ErrorOf(const TlsFiles& files, absl::Time now = kNow) {
  const absl::Status status = CheckCertificate(files, now).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(CertificateTest, TakesAPairThatBelongsTogether) {
  const absl::StatusOr<Certificate> certificate = CheckCertificate(Files(), kNow);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(certificate->chain, Ours().certificate);
  EXPECT_EQ(certificate->key, Ours().key);
  EXPECT_EQ(certificate->client_ca, "");
  EXPECT_EQ(certificate->not_after, kTo);
}

TEST(CertificateTest, TakesAChainWithTheServersOwnFirst) {
  const std::string chain = absl::StrCat(Ours().certificate, Another().certificate);
  EXPECT_TRUE(CheckCertificate(Files(chain), kNow).ok());
  const std::string wrong_way = absl::StrCat(Another().certificate, Ours().certificate);
  EXPECT_THAT(ErrorOf(Files(wrong_way)), StartsWith("\"tls.key\" is not the key of the first"));
}

// Tools write names and dates around what counts.
TEST(CertificateTest, TakesTextBetweenTheCertificates) {
  const std::string chain = absl::StrCat("subject=CN = test\n", Ours().certificate, "\nthe end\n");
  EXPECT_TRUE(CheckCertificate(Files(chain), kNow).ok());
}

TEST(CertificateTest, TakesAnRsaKey) {
  const TestCertificate rsa = MakeTestCertificate({.rsa_bits = 2048});
  EXPECT_TRUE(CheckCertificate(Files(rsa.certificate, rsa.key), kNow).ok());
}

// The handshake of everybody would fail later.
TEST(CertificateTest, RefusesAKeyThatOpenSslFindsTooSmall) {
  const TestCertificate small = MakeTestCertificate({.rsa_bits = 1024});
  EXPECT_THAT(ErrorOf(Files(small.certificate, small.key)),
              testing::AllOf(StartsWith("\"tls.crt\" is refused by OpenSSL"),
                             HasSubstr("too small"), HasSubstr("; make one with a stronger key")));
}

TEST(CertificateTest, RefusesAKeyOfAnotherCertificate) {
  EXPECT_EQ(ErrorOf(Files(Another().certificate)),
            "\"tls.key\" is not the key of the first certificate in \"tls.crt\"; put there the two "
            "that belong together");
}

// It can be read at any moment while somebody writes it.
TEST(CertificateTest, RefusesEveryPartOfAFile) {
  for (size_t size = 0; size + 2 < Ours().certificate.size(); size += 13) {
    const std::string part = Ours().certificate.substr(0, size);
    EXPECT_THAT(ErrorOf(Files(part)), StartsWith("\"tls.crt\" ")) << size;
    const std::string chain = absl::StrCat(Ours().certificate, part);
    // A second certificate that has not begun is none.
    if (size < 27) continue;
    EXPECT_THAT(ErrorOf(Files(chain)), HasSubstr("breaks off or is damaged")) << size;
  }
  for (size_t size = 0; size + 2 < Ours().key.size(); size += 13) {
    EXPECT_THAT(ErrorOf(Files(Ours().certificate, Ours().key.substr(0, size))),
                StartsWith("\"tls.key\" holds no private key"));
  }
}

TEST(CertificateTest, RefusesWhatIsNoPem) {
  EXPECT_EQ(ErrorOf(Files("")),
            "\"tls.crt\" holds no certificate; write it in PEM: -----BEGIN CERTIFICATE-----");
  EXPECT_THAT(ErrorOf(Files(Ours().key)), HasSubstr("holds no certificate"));
  EXPECT_THAT(ErrorOf(Files(std::string("\0\x30\x82", 3))), HasSubstr("holds no certificate"));
  EXPECT_THAT(ErrorOf(Files(Ours().certificate, Ours().certificate)),
              testing::AllOf(StartsWith("\"tls.key\" holds no private key that can be read ("),
                             HasSubstr("; write it in PEM, without a passphrase")));
}

// OpenSSL would wait for somebody at a terminal.
TEST(CertificateTest, RefusesAKeyWithAPassphraseWithoutAsking) {
  const TestCertificate locked = MakeTestCertificate({.passphrase = "secret"});
  EXPECT_THAT(ErrorOf(Files(locked.certificate, locked.key)), HasSubstr("without a passphrase"));
}

TEST(CertificateTest, RefusesACertificateOutsideItsTime) {
  EXPECT_TRUE(CheckCertificate(Files(), kFrom).ok());
  EXPECT_TRUE(CheckCertificate(Files(), kTo).ok());
  EXPECT_EQ(ErrorOf(Files(), kTo + absl::Seconds(1)),
            "\"tls.crt\" expired at 2033-05-18T03:33:20+00:00; put a new one there, with its key");
  EXPECT_EQ(ErrorOf(Files(), kFrom - absl::Seconds(1)),
            "\"tls.crt\" is not valid before 2001-09-09T01:46:40+00:00; wait, or set this "
            "machine's clock");
}

TEST(CertificateTest, TakesSeveralAuthoritiesForClients) {
  TlsFiles files = Files();
  files.client_ca = {"ca.crt", absl::StrCat(Ours().certificate, Another().certificate)};
  const absl::StatusOr<Certificate> certificate = CheckCertificate(files, kNow);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(certificate->client_ca, files.client_ca.text);
}

// None would mean that any client gets through.
TEST(CertificateTest, RefusesAFileWithoutAnAuthorityForClients) {
  TlsFiles files = Files();
  files.client_ca = {"ca.crt", ""};
  EXPECT_THAT(ErrorOf(files), StartsWith("\"ca.crt\" holds no certificate"));
  files.client_ca.text = Ours().certificate.substr(0, 100);
  EXPECT_THAT(ErrorOf(files), StartsWith("\"ca.crt\" breaks off or is damaged"));
}

// No client would get through.
TEST(CertificateTest, RefusesAnAuthorityForClientsOutsideItsTime) {
  const std::string late =
      MakeTestCertificate({.not_before = kFrom, .not_after = kNow - absl::Seconds(1)}).certificate;
  const std::string early =
      MakeTestCertificate({.not_before = kNow + absl::Seconds(1), .not_after = kTo}).certificate;
  TlsFiles files = Files();
  files.client_ca = {"ca.crt", late};
  EXPECT_EQ(
      ErrorOf(files),
      "\"ca.crt\" expired at 2017-07-14T02:39:59+00:00; put there a new one, which has signed "
      "clients' certificates");
  files.client_ca.text = early;
  EXPECT_THAT(ErrorOf(files), StartsWith("\"ca.crt\" is not valid before 2017-07-14T02:40:01"));
}

// The old authority stays in the file until the last of its clients has a new certificate, or
// longer.
TEST(CertificateTest, TakesAnExpiredAuthorityForClientsBesideOneThatIsValid) {
  const std::string late =
      MakeTestCertificate({.not_before = kFrom, .not_after = kNow - absl::Seconds(1)}).certificate;
  TlsFiles files = Files();
  for (const std::string& both :
       {absl::StrCat(late, Another().certificate), absl::StrCat(Another().certificate, late)}) {
    files.client_ca = {"ca.crt", both};
    EXPECT_TRUE(CheckCertificate(files, kNow).ok());
  }
}

TEST(CertificateTest, SaysWhenACertificateExpires) {
  EXPECT_EQ(ExpiryOf(Ours().certificate), kTo);
  EXPECT_EQ(ExpiryOf(absl::StrCat(Ours().certificate, Another().certificate)), kTo);
  for (const absl::string_view none : {"", "no certificate", "-----BEGIN CERTIFICATE-----\n"}) {
    EXPECT_EQ(ExpiryOf(none), absl::InfinitePast());
  }
}

}  // namespace
}  // namespace fusebox
