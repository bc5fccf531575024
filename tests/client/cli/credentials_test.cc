#include "client/cli/credentials.h"

#include <string>

#include "client/cli/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/temporary_directory.h"

namespace fusebox::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kLoopback[] = "127.0.0.1:7400";
constexpr char kFar[] = "fusebox.internal:7400";

std::string Complaint(const CredentialFlags& flags, absl::string_view address) {
  return std::string(MakeCredentials(flags, address).status().message());
}

TEST(IsLocalTest, KnowsWhatStaysOnThisMachine) {
  for (const char* address :
       {"127.0.0.1:7400", "127.8.9.1:1", "localhost:7400", "[::1]:7400", "unix:/run/fusebox.sock",
        "dns:///localhost:7400", "dns:127.0.0.1:7400", "ipv4:127.0.0.1:7400", "ipv6:[::1]:7400"}) {
    EXPECT_TRUE(IsLocal(address)) << address;
  }
}

TEST(IsLocalTest, TakesEverythingElseForANetwork) {
  for (const char* address :
       {"10.0.0.1:7400", "fusebox:7400", "127.0.0.1.example.com:7400", "localhost.example.com:1",
        "[::]:7400", "0.0.0.0:7400", "dns:///fusebox:7400", "xds:///localhost:7400", ":7400",
        "127.:x.example.com:80"}) {
    EXPECT_FALSE(IsLocal(address)) << address;
  }
}

TEST(MakeCredentialsTest, AreNoneUnlessAskedFor) {
  const auto credentials = MakeCredentials({}, kFar);
  ASSERT_TRUE(credentials.ok());
  EXPECT_FALSE(credentials->tls);
  EXPECT_EQ(credentials->authorization, "");
}

TEST(MakeCredentialsTest, SendATokenThatIsFit) {
  const auto plain = MakeCredentials({.token = "abc"}, kLoopback);
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->authorization, "Bearer abc");
  const auto encrypted = MakeCredentials({.tls = true, .token = " abc\n"}, kFar);
  ASSERT_TRUE(encrypted.ok()) << encrypted.status();
  EXPECT_TRUE(encrypted->tls);
  EXPECT_EQ(encrypted->authorization, "Bearer abc");
}

TEST(MakeCredentialsTest, SendNoTokenInPlainTextOverANetwork) {
  EXPECT_EQ(Complaint({.token = "abc"}, kFar),
            "the token of FUSEBOX_TOKEN would go to \"fusebox.internal:7400\" in plain text, for "
            "everybody on the way to take; add --tls");
}

TEST(MakeCredentialsTest, NeverShowTheToken) {
  for (const char* token : {"two words", "with\x1b[31mcolour", "\xC3\xA9t\xC3\xA9"}) {
    EXPECT_THAT(Complaint({.token = token}, kLoopback),
                HasSubstr("holds more than one word of printable ASCII"));
    EXPECT_THAT(Complaint({.token = token}, kLoopback), Not(HasSubstr(token)));
  }
}

TEST(MakeCredentialsTest, TakeTheFileBeforeTheVariable) {
  const TemporaryDirectory folder;
  const std::string file = folder.path() + "/token";
  ASSERT_TRUE(WriteFile(file, "of-the-file\n").ok());
  const auto credentials = MakeCredentials({.token_file = file, .token = "abc"}, kLoopback);
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(credentials->authorization, "Bearer of-the-file");
  ASSERT_TRUE(WriteFile(file, " \n").ok());
  EXPECT_EQ(Complaint({.token_file = file, .token = "abc"}, kLoopback),
            "--token-file " + file + " holds no token; write one into it");
}

TEST(MakeCredentialsTest, RefuseFlagsThatWouldDoNothing) {
  for (const CredentialFlags& flags :
       {CredentialFlags{.ca_file = "f"}, CredentialFlags{.cert_file = "f"},
        CredentialFlags{.key_file = "f"}, CredentialFlags{.server_name = "f"}}) {
    EXPECT_THAT(Complaint(flags, kLoopback),
                HasSubstr("is \"f\", but the connection is not to be encrypted; add --tls"));
  }
}

TEST(MakeCredentialsTest, WantBothPartsOfAnIdentity) {
  for (const CredentialFlags& flags : {CredentialFlags{.tls = true, .cert_file = "f"},
                                       CredentialFlags{.tls = true, .key_file = "f"}}) {
    EXPECT_EQ(
        Complaint(flags, kLoopback),
        "--tls-client-cert and --tls-client-key are two parts of one identity; give both or none");
  }
}

TEST(MakeCredentialsTest, NameTheFileThatCannotBeRead) {
  const TemporaryDirectory folder;
  EXPECT_EQ(Complaint({.tls = true, .ca_file = folder.path() + "/none"}, kFar),
            "--tls-ca: cannot read \"" + folder.path() + "/none\": No such file or directory");
  EXPECT_EQ(Complaint({.tls = true, .ca_file = folder.path()}, kFar),
            "--tls-ca: cannot read \"" + folder.path() + "\": Is a directory");
}

TEST(FilesTest, ComeBackAsTheyWereWritten) {
  const TemporaryDirectory folder;
  const std::string file = folder.path() + "/file";
  for (const std::string& content :
       {std::string(), std::string("a\0b", 3), std::string(9999, 'x')}) {
    ASSERT_TRUE(WriteFile(file, content).ok());
    EXPECT_EQ(*ReadFile(file), content);
  }
  EXPECT_EQ(WriteFile(folder.path() + "/none/file", "").message(),
            "cannot write \"" + folder.path() + "/none/file\": No such file or directory");
}

TEST(FilesTest, TemporaryFoldersAreOnesOwnAndGoWithAllInThem) {
  const auto one = MakeTemporaryFolder();
  const auto other = MakeTemporaryFolder();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE(*one, *other);
  ASSERT_TRUE(WriteFile(*one + "/file", "x").ok());
  RemoveFolder(*one);
  RemoveFolder(*other);
  EXPECT_FALSE(WriteFile(*one + "/file", "x").ok());
}

}  // namespace
}  // namespace fusebox::cli
