// Options that open a server to others, or close it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/options_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(OptionsTest, TakesASwitchWithoutItsValue) {
  EXPECT_TRUE(Server({"--insecure"}).insecure());
  EXPECT_TRUE(Server({"--insecure", "--max-events=5"}).insecure());
  EXPECT_FALSE(Server({"--insecure=false"}).insecure());
  environment_["FUSEBOX_INSECURE"] = "true";
  EXPECT_FALSE(Server({"--insecure=false"}).insecure());
  EXPECT_THAT(Errors({"--insecure=maybe"}),
              ElementsAre("--insecure is \"maybe\"; write true or false"));
  EXPECT_THAT(Errors({"--insecure", "false"}),
              ElementsAre("argument \"false\" belongs to no flag; remove it or see --help"));
  EXPECT_THAT(Errors({"--insecure", "--insecure"}), ElementsAre(HasSubstr("give it once")));
}

// Whoever reaches the port could read tokens, and without tokens do everything.
TEST_F(OptionsTest, RefusesPlaintextBeyondLoopbackUnlessToldSo) {
  for (const char* address : {"0.0.0.0:7400", "[::]:7400", "10.0.0.1:0", "fusebox:7400"}) {
    EXPECT_THAT(Errors({"--listen=unix:/f.sock", "--listen", address}),
                ElementsAre(absl::StrCat(
                    "--listen is \"", address,
                    "\", which other machines reach, and there is no TLS; set --tls-cert and "
                    "--tls-key, or --insecure if anybody on the way may read and call")));
    EXPECT_THAT(Errors({"--listen", address, "--insecure"}), IsEmpty());
    EXPECT_THAT(Errors({"--listen", address, "--tls-cert=c.pem", "--tls-key=k.pem"}), IsEmpty());
  }
  EXPECT_THAT(Errors({"--listen=127.0.0.1:1,localhost:2,[::1]:3,unix:/f.sock"}), IsEmpty());
}

TEST_F(OptionsTest, RefusesHalfOfACertificate) {
  EXPECT_THAT(
      Errors({"--tls-cert=c.pem"}),
      ElementsAre("--tls-cert is \"c.pem\" but tls_key is empty; set that too, or neither"));
  EXPECT_THAT(
      Errors({"--tls-key=k.pem"}),
      ElementsAre("--tls-key is \"k.pem\" but tls_cert is empty; set that too, or neither"));
  EXPECT_THAT(
      Errors({"--tls-client-ca=ca.pem"}),
      ElementsAre("--tls-client-ca is \"ca.pem\" but tls_cert is empty; set that too, or neither"));
  EXPECT_THAT(
      Errors({"--http-tls"}),
      ElementsAre("--http-tls is \"true\" but tls_cert is empty; set that too, or neither"));
  EXPECT_THAT(Errors({"--tls-cert=c.pem", "--tls-key=k.pem", "--tls-client-ca=ca.pem"}), IsEmpty());
  EXPECT_THAT(Errors({"--tls-cert=c.pem", "--tls-key=k.pem", "--http-tls"}), IsEmpty());
}

}  // namespace
}  // namespace fusebox
