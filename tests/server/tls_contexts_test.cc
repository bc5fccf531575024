#include "server/http/tls_contexts.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "testing/certificates.h"

namespace fusebox {
namespace {

Certificate Made() {
  const TestCertificate made = MakeTestCertificate();
  return {.chain = made.certificate, .key = made.key, .client_ca = "", .not_after = {}};
}

TEST(TlsContextsTest, AreOfTheNewestCertificate) {
  LiveCertificate live;
  live.Replace(Made());
  TlsContexts contexts(live);
  const auto first = contexts.Newest();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(contexts.Newest(), first);
  live.Replace(Made());
  EXPECT_NE(contexts.Newest(), nullptr);
  EXPECT_NE(contexts.Newest(), first);
}

TEST(TlsContextsTest, StayAsTheyWereIfOpenSslDoesNotTakeTheNewest) {
  LiveCertificate live;
  live.Replace(Made());
  TlsContexts contexts(live);
  const auto first = contexts.Newest();
  live.Replace({.chain = "nothing", .key = "nothing", .client_ca = "", .not_after = {}});
  EXPECT_EQ(contexts.Newest(), first);
}

TEST(TlsContextsTest, AreNoneIfItNeverTookAny) {
  LiveCertificate live;
  live.Replace({.chain = "nothing", .key = "nothing", .client_ca = "", .not_after = {}});
  TlsContexts contexts(live);
  EXPECT_EQ(contexts.Newest(), nullptr);
}

TEST(TlsContextsTest, SpeakNothingOlderThanTls12) {
  LiveCertificate live;
  live.Replace(Made());
  TlsContexts contexts(live);
  EXPECT_EQ(SSL_CTX_get_min_proto_version(contexts.Newest()->native_handle()), TLS1_2_VERSION);
}

}  // namespace
}  // namespace fusebox
