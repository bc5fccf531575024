#include "core/failing_clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FailingClientsTest : public ::testing::Test {
 protected:
  void Fail(absl::string_view client, size_t quorum = 3) {
    window_.Add({.calls = 1, .failures = 1}, now_);
    clients_.Note(client, window_.Stamp(now_), quorum);
  }
  bool Met(size_t quorum = 3) const { return clients_.QuorumIsMet(window_, now_, quorum); }

  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  OutcomeWindow window_{CircuitBreakerPolicy{}, now_};
  FailingClients clients_;
};

// The quorum is about distinct clients, not about failures.
TEST_F(FailingClientsTest, OneClientIsOneHoweverOftenItFails) {
  for (int i = 0; i < 100; ++i) Fail("a");
  EXPECT_FALSE(Met());
  Fail("b");
  EXPECT_FALSE(Met());
  Fail("c");
  EXPECT_TRUE(Met());
}

// The default asks for one client, which any failure brings.
TEST_F(FailingClientsTest, AQuorumOfOneIsAlwaysMet) { EXPECT_TRUE(Met(1)); }

// Failures of an hour ago are no quorum with one of now.
TEST_F(FailingClientsTest, IsMetOnlyWhileTheLeastRecentIsInsideTheWindow) {
  Fail("a");
  now_ += absl::Seconds(5);
  Fail("b");
  Fail("c");
  EXPECT_TRUE(Met());
  now_ += absl::Seconds(4);
  EXPECT_TRUE(Met());
  now_ += absl::Seconds(1);
  EXPECT_FALSE(Met());
  EXPECT_THAT(clients_.Names(window_, now_), ElementsAre("b", "c"));
}

// A client that fails again is recent again.
TEST_F(FailingClientsTest, FailingAgainKeepsAClientInside) {
  Fail("a");
  Fail("b");
  Fail("c");
  now_ += absl::Seconds(9);
  Fail("a");
  now_ += absl::Seconds(5);
  EXPECT_THAT(clients_.Names(window_, now_), ElementsAre("a"));
}

// The most recent are kept; with a full quorum of older ones nothing is lost.
TEST_F(FailingClientsTest, KeepsTheMostRecentUpToTheQuorum) {
  for (const absl::string_view client : {"a", "b", "c", "b", "d"}) Fail(client);
  EXPECT_THAT(clients_.Names(window_, now_), ElementsAre("c", "b", "d"));
  EXPECT_TRUE(Met());
}

// What is shown is at most the quorum, also right after a policy lowered it.
TEST_F(FailingClientsTest, ALoweredQuorumKeepsFewer) {
  for (const absl::string_view client : {"a", "b", "c"}) Fail(client);
  EXPECT_TRUE(Met(2));
  Fail("a", 2);
  EXPECT_THAT(clients_.Names(window_, now_), ElementsAre("c", "a"));
  EXPECT_TRUE(Met(2));
}

// A raised quorum has to be earned.
TEST_F(FailingClientsTest, ARaisedQuorumNeedsMoreClients) {
  for (const absl::string_view client : {"a", "b", "c"}) Fail(client);
  EXPECT_FALSE(Met(4));
  Fail("d", 4);
  EXPECT_TRUE(Met(4));
}

// To another window go those who are still in the old one, as if they had just failed.
TEST_F(FailingClientsTest, MovesOnlyWhoIsInsideToAnotherWindow) {
  Fail("gone");
  now_ += absl::Seconds(5);
  Fail("here");
  now_ += absl::Seconds(5);
  CircuitBreakerPolicy longer;
  longer.window_duration = absl::Minutes(10);
  OutcomeWindow window(longer, now_);
  clients_.MoveTo(window, window_, now_);
  now_ += absl::Minutes(9);
  EXPECT_THAT(clients_.Names(window, now_), ElementsAre("here"));
  now_ += absl::Minutes(1);
  EXPECT_THAT(clients_.Names(window, now_), IsEmpty());
}

// Nobody failed yet.
TEST_F(FailingClientsTest, StartsEmpty) {
  EXPECT_FALSE(Met(2));
  EXPECT_THAT(clients_.Names(window_, now_), IsEmpty());
}

}  // namespace
}  // namespace fusebox
