#include "server/rpc/health_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using Kind = HealthTarget::Kind;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

HealthTarget Prefix(const std::string& path) { return {.kind = Kind::kPrefix, .name = path}; }

Caller Reader(const std::vector<std::string>& globs) {
  Grant grant = {.role = Role::kReader, .match = {}};
  for (const std::string& glob : globs) grant.match.push_back(*Glob::Parse(glob));
  return Caller(
      std::make_shared<const Identity>("reader", std::vector<Grant>{std::move(grant)}, "record"));
}

TEST(HealthTargetTest, IsAServiceUnlessItSaysThatItIsAnother) {
  for (const absl::string_view service : {"", "liveness", "fusebox.v1.BreakerService", "breaker"}) {
    const HealthTarget target = ParseHealthTarget(service);
    EXPECT_EQ(target.kind, Kind::kService) << service;
    EXPECT_EQ(target.name, service);
    EXPECT_TRUE(CheckHealthTarget(target).ok());
  }
}

TEST(HealthTargetTest, NamesABreakerOrAPrefixBehindAColon) {
  const HealthTarget breaker = ParseHealthTarget("breaker:db/orders");
  EXPECT_EQ(breaker.kind, Kind::kBreaker);
  EXPECT_EQ(breaker.name, "db/orders");
  const HealthTarget prefix = ParseHealthTarget("prefix:payments");
  EXPECT_EQ(prefix.kind, Kind::kPrefix);
  EXPECT_EQ(prefix.name, "payments");
  EXPECT_EQ(ParseHealthTarget("prefix:").name, "");
}

// There always is a breaker to be named, but the prefix of all has no name.
TEST(HealthTargetTest, NamesAreCheckedAndTheErrorIsAboutTheServiceOfTheRequest) {
  EXPECT_TRUE(CheckHealthTarget(ParseHealthTarget("breaker:db/orders")).ok());
  EXPECT_TRUE(CheckHealthTarget(ParseHealthTarget("prefix:")).ok());
  for (const absl::string_view service : {"breaker:", "breaker:a//b", "prefix:a/", "prefix:a/**"}) {
    const absl::Status error = CheckHealthTarget(ParseHealthTarget(service));
    EXPECT_EQ(ErrorReason(error), "BREAKER_NAME_INVALID") << service;
    EXPECT_EQ(ErrorField(error), "service");
  }
}

TEST(HealthTargetTest, WhatIsNotThereIsNotFoundAndSaysWhatToDo) {
  const auto missing = [](absl::string_view service) {
    const absl::Status status = NoSuchTarget(ParseHealthTarget(service), "service");
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    return status;
  };
  EXPECT_EQ(ErrorReason(missing("nobody")), "SERVICE_NOT_FOUND");
  EXPECT_THAT(Message(missing("nobody")), HasSubstr("no service \"nobody\"; ask for one"));
  EXPECT_EQ(ErrorReason(missing("breaker:db")), "BREAKER_NOT_FOUND");
  EXPECT_THAT(Message(missing("breaker:db")), HasSubstr("breaker \"db\" does not exist; "));
  EXPECT_EQ(ErrorReason(missing("prefix:db")), "BREAKER_NOT_FOUND");
  EXPECT_THAT(Message(missing("prefix:db")), HasSubstr("no breaker under \"db\"; "));
}

TEST(HealthTargetTest, KnowsWhichBreakersItIsAbout) {
  EXPECT_EQ(BreakersOf(ParseHealthTarget("breaker:db/orders")).text(), "db/orders");
  EXPECT_EQ(BreakersOf(Prefix("payments")).text(), "payments/**");
  EXPECT_TRUE(BreakersOf(Prefix("payments")).Matches("payments"));
  EXPECT_TRUE(BreakersOf(Prefix("")).Matches("anything/at/all"));
}

// A glob may be no longer than a name, and a prefix may be as long as one.
TEST(HealthTargetTest, MatchesTooManyRatherThanTooFew) {
  const std::string longest(254, 'x');
  EXPECT_TRUE(BreakersOf(Prefix(longest)).Matches(longest));
  EXPECT_TRUE(BreakersOf(Prefix(longest)).Matches(longest + "/a"));
}

// Who may read all of it shares one report with all who may.
TEST(HealthViewerTest, WhoMayReadAllUnderThePrefixSeesEverything) {
  for (const Caller& caller :
       {Caller(), Caller("ada"), Reader({"**"}), Reader({"payments/**"}), Reader({"pay*/**"})}) {
    const HealthViewer viewer = ViewerOf(caller, Prefix("payments"));
    EXPECT_EQ(viewer.id, "");
    EXPECT_EQ(viewer.may_see, nullptr);
  }
}

TEST(HealthViewerTest, OthersSeeWhatTheyMayRead) {
  const Caller some = Reader({"payments/eu/*"});
  const HealthViewer viewer = ViewerOf(some, Prefix("payments"));
  EXPECT_EQ(viewer.id, some.fingerprint());
  EXPECT_NE(viewer.id, "");
  EXPECT_TRUE(viewer.may_see("payments/eu/card"));
  EXPECT_FALSE(viewer.may_see("payments/us/card"));
}

}  // namespace
}  // namespace fusebox
