#include "server/address/listen_address.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ListenAddressTest, ReadsEveryKindOfAddress) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:7400")->host, "127.0.0.1");
  EXPECT_EQ(ParseListenAddress("127.0.0.1:7400")->port, 7400);
  EXPECT_EQ(ParseListenAddress("LocalHost:65535")->host, "localhost");
  EXPECT_EQ(ParseListenAddress("[::1]:0")->host, "[::1]");
  EXPECT_EQ(ParseListenAddress("[::ffff:127.0.0.1]:1")->port, 1);
  EXPECT_EQ(ParseListenAddress("unix:/run/f.sock")->unix_path, "/run/f.sock");
  EXPECT_EQ(ParseListenAddress("unix:/" + std::string(106, 'x'))->unix_path.size(), 107);
}

TEST(ListenAddressTest, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ":", "host", "host:", ":7400"}) {
    EXPECT_EQ(
        ParseListenAddress(text).status().message(),
        absl::StrCat("is \"", text, "\"; write host:port, like 127.0.0.1:7400, or unix:/path"));
  }
  for (const char* text :
       {"::1:7400", "http://host:7400", "[host]:1", "a b:1", "[]:1", "ho/st:1"}) {
    EXPECT_EQ(ParseListenAddress(text).status().message(),
              absl::StrCat("is \"", text,
                           "\"; write the host as a name or an address, IPv6 like [::1]:7400"));
  }
  for (const char* text : {"h:65536", "h:-1", "h:x", "h: 1", "h:+1", "h:99999999999"}) {
    EXPECT_EQ(ParseListenAddress(text).status().message(),
              absl::StrCat("is \"", text, "\"; write a port from 1 to 65535, or 0 for a free one"));
  }
  for (const std::string& text :
       {std::string("unix:"), std::string("unix:f.sock"), "unix:/" + std::string(107, 'x')}) {
    EXPECT_THAT(std::string(ParseListenAddress(text).status().message()),
                HasSubstr("; write a path that begins with / and has at most 107 bytes, like "
                          "unix:/run/fusebox.sock"));
  }
}

// Not everybody who listens can do so on a path.
TEST(ListenAddressTest, ReadsTcpAddressesAlone) {
  EXPECT_EQ(ParseTcpAddress("LocalHost:7401")->host, "localhost");
  EXPECT_EQ(ParseTcpAddress("[::1]:7401")->port, 7401);
  for (const char* text : {"", "7401", ":7401", "unix:/h.sock", "unix:"}) {
    EXPECT_EQ(ParseTcpAddress(text).status().message(),
              absl::StrCat("is \"", text, "\"; write host:port, like 127.0.0.1:7400"));
  }
}

// Whoever wrote it sees it whole, and their terminal is left alone.
TEST(ListenAddressTest, QuotesWhatItRefuses) {
  EXPECT_THAT(std::string(ParseListenAddress("\x1b[2J").status().message()),
              StartsWith("is \"\\x1b[2J\"; "));
}

bool CollideTexts(absl::string_view a, absl::string_view b) {
  return Collide(*ParseListenAddress(a), *ParseListenAddress(b)) &&
         Collide(*ParseListenAddress(b), *ParseListenAddress(a));
}

TEST(ListenAddressTest, KnowsWhichAddressesCollide) {
  EXPECT_TRUE(CollideTexts("127.0.0.1:1", "127.0.0.1:1"));
  EXPECT_TRUE(CollideTexts("Host:1", "host:1"));
  EXPECT_TRUE(CollideTexts("0.0.0.0:1", "127.0.0.1:1"));
  EXPECT_TRUE(CollideTexts("[::]:1", "127.0.0.1:1"));
  EXPECT_TRUE(CollideTexts("unix:/a", "unix:/a"));
  EXPECT_FALSE(CollideTexts("127.0.0.1:1", "127.0.0.1:2"));
  EXPECT_FALSE(CollideTexts("127.0.0.1:1", "[::1]:1"));
  EXPECT_FALSE(CollideTexts("127.0.0.1:0", "127.0.0.1:0"));  // Two free ports.
  EXPECT_FALSE(CollideTexts("unix:/a", "unix:/b"));
  EXPECT_FALSE(CollideTexts("unix:/a", "127.0.0.1:1"));
}

// What decides whether plaintext is safe: a name that may mean anything is not.
TEST(ListenAddressTest, KnowsWhichAddressesOnlyThisMachineReaches) {
  for (const absl::string_view text :
       {"127.0.0.1:1", "127.8.9.1:1", "localhost:1", "LocalHost:1", "[::1]:1",
        "[0:0:0:0:0:0:0:1]:1", "[::ffff:127.0.0.1]:1", "unix:/a"}) {
    EXPECT_TRUE(IsLocal(*ParseListenAddress(text))) << text;
  }
  for (const absl::string_view text :
       {"0.0.0.0:1", "128.0.0.1:1", "10.0.0.1:1", "[::]:1", "[::2]:1", "[::ffff:10.0.0.1]:1",
        "[fe80::1]:1", "localhost.example.com:1", "fusebox:1", "127.1:1"}) {
    EXPECT_FALSE(IsLocal(*ParseListenAddress(text))) << text;
  }
}

}  // namespace
}  // namespace fusebox
