// Which client a call is from.
#include "server/rpc/peer.h"

#include <gtest/gtest.h>

#include <string>

#include "core/name.h"

namespace fusebox {
namespace {

// What a client calls itself goes before where it calls from.
TEST(PeerTest, TheNameGoesFirst) {
  EXPECT_EQ(PeerClient("checkout-7", "ipv4:10.1.2.3:40912"), "checkout-7");
}

// A new connection is the same client: ports must not make a quorum.
TEST(PeerTest, AnAddressIsWithoutItsPort) {
  EXPECT_EQ(PeerClient("", "ipv4:10.1.2.3:40912"), "10.1.2.3");
  EXPECT_EQ(PeerClient("", "ipv4:10.1.2.3:1"), "10.1.2.3");
}

// As gRPC spells them: with brackets, which it may escape.
TEST(PeerTest, AnAddressOfIpv6IsWithoutItsBrackets) {
  EXPECT_EQ(PeerClient("", "ipv6:[::1]:40912"), "::1");
  EXPECT_EQ(PeerClient("", "ipv6:%5B::1%5D:40912"), "::1");
  EXPECT_EQ(PeerClient("", "ipv6:%5B2001:db8::5%5D:443"), "2001:db8::5");
}

// All who come over a socket are of this machine.
TEST(PeerTest, ASocketIsOneClient) {
  EXPECT_EQ(PeerClient("", "unix:"), "unix");
  EXPECT_EQ(PeerClient("", "unix:/run/fusebox.sock"), "unix");
  EXPECT_EQ(PeerClient("", "unix-abstract:fusebox"), "unix");
}

// What is spelt in no known way still is somebody.
TEST(PeerTest, AnythingElseIsTakenAsItIs) {
  EXPECT_EQ(PeerClient("", "inproc"), "inproc");
  EXPECT_EQ(PeerClient("", ""), "");
}

// Instances of one service share what they prove to be, and are still several.
TEST(PeerTest, WhatIsProvenStandsBeforeWhatIsClaimed) {
  EXPECT_EQ(PeerClient("web-7", "ipv4:10.1.2.3:1", "cart"), "cart@web-7");
  EXPECT_EQ(PeerClient("", "ipv4:10.1.2.3:1", "cart"), "cart@10.1.2.3");
  EXPECT_EQ(PeerClient("web-7", "unix:", ""), "web-7");
}

// A name that is too long would be an error that the client could not help; and nobody gets rid of
// who they are by calling themselves something long.
TEST(PeerTest, BothTogetherAreNoLongerThanANameMayBe) {
  const std::string longest(251, 'x');
  EXPECT_EQ(PeerClient(longest, "unix:", "cart"), "cart@" + longest);
  EXPECT_EQ(PeerClient(longest + "x", "unix:", "cart"), "cart@" + longest);
  EXPECT_EQ(PeerClient(std::string(256, 'x'), "unix:", "cart"), "cart@" + longest);
  const std::string proof(256, 'p');
  EXPECT_EQ(PeerClient("web-7", "unix:", proof), proof);
}

// Half a character would be an error that the client could not help, either.
TEST(PeerTest, CutsWholeCharacters) {
  const std::string most(250, 'x');
  for (const std::string rest : {"\u00e9", "\u20ac", "\U0001F600"}) {
    EXPECT_EQ(PeerClient(most + rest, "unix:", "cart"), "cart@" + most);
    EXPECT_TRUE(CheckClientName(PeerClient(most + rest, "unix:", "cart")).ok());
  }
}

TEST(PeerTest, AClaimThatIsTooLongByItselfIsLeftToBeRefused) {
  const std::string claim(257, 'x');
  EXPECT_EQ(PeerClient(claim, "unix:", "cart"), claim);
  EXPECT_FALSE(CheckClientName(claim).ok());
}

}  // namespace
}  // namespace fusebox
