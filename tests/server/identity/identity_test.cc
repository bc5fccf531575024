#include "server/identity/identity.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fusebox {
namespace {

Glob Parsed(absl::string_view text) { return *Glob::Parse(text); }

Identity With(std::vector<Grant> grants) { return Identity("ci", std::move(grants)); }

constexpr Role kRoles[] = {Role::kCaller, Role::kReader, Role::kOperator};

// A caller need not look, and a reader must not vote.
TEST(IdentityTest, AnOperatorMayAllAndTheOthersTheirOwn) {
  for (const Role granted : kRoles) {
    const Identity identity = With({{granted, {Glob::All()}}});
    for (const Role wanted : kRoles) {
      const bool may = wanted == granted || granted == Role::kOperator;
      EXPECT_EQ(identity.May(wanted, "a"), may) << RoleName(granted) << RoleName(wanted);
      EXPECT_EQ(identity.MayAll(wanted, Parsed("a/*")), may);
      EXPECT_EQ(identity.MaySome(wanted, Parsed("a/*")), may);
    }
  }
}

TEST(IdentityTest, MayDoNothingWithoutGrants) {
  const Identity nobody = With({});
  EXPECT_FALSE(nobody.May(Role::kCaller, "a"));
  EXPECT_FALSE(nobody.MayAll(Role::kReader, Parsed("a")));
  EXPECT_FALSE(nobody.MaySome(Role::kReader, Glob::All()));
}

TEST(IdentityTest, AGrantEndsWhereItsGlobsEnd) {
  const Identity identity = With({{Role::kCaller, {Parsed("a/**"), Parsed("b")}}});
  for (const absl::string_view name : {"a", "a/b", "a/b/c", "b"}) {
    EXPECT_TRUE(identity.May(Role::kCaller, name)) << name;
  }
  for (const absl::string_view name : {"ab", "b/a", "c", "", "A", "*", "/a"}) {
    EXPECT_FALSE(identity.May(Role::kCaller, name)) << name;
  }
}

// Else an operator of a few names could force the fleet open.
TEST(IdentityTest, AllOfAGlobTakesAGrantThatCoversIt) {
  const Identity identity = With({{Role::kOperator, {Parsed("a/**")}}});
  for (const absl::string_view glob : {"a", "a/*", "a/**", "a/**/b", "a/b*"}) {
    EXPECT_TRUE(identity.MayAll(Role::kOperator, Parsed(glob))) << glob;
  }
  for (const absl::string_view glob : {"**", "*", "a*", "*/**", "**/b", "b"}) {
    EXPECT_FALSE(identity.MayAll(Role::kOperator, Parsed(glob))) << glob;
  }
}

TEST(IdentityTest, SomeOfAGlobTakesAGrantThatOverlapsIt) {
  const Identity identity = With({{Role::kReader, {Parsed("a/**")}}});
  for (const absl::string_view glob : {"**", "*", "a*/b", "a"}) {
    EXPECT_TRUE(identity.MaySome(Role::kReader, Parsed(glob))) << glob;
  }
  EXPECT_FALSE(identity.MaySome(Role::kReader, Parsed("b/**")));
}

TEST(IdentityTest, GrantsOfDifferentRolesDoNotMix) {
  const Identity identity =
      With({{Role::kCaller, {Parsed("a/**")}}, {Role::kReader, {Parsed("b/**")}}});
  EXPECT_TRUE(identity.May(Role::kCaller, "a/x"));
  EXPECT_FALSE(identity.May(Role::kReader, "a/x"));
  EXPECT_FALSE(identity.May(Role::kCaller, "b/x"));
  EXPECT_TRUE(identity.May(Role::kReader, "b/x"));
}

TEST(IdentityTest, GlobsOfSeveralGrantsDoNotAddUp) {
  const Identity identity =
      With({{Role::kOperator, {Parsed("*")}}, {Role::kOperator, {Parsed("*/**")}}});
  EXPECT_TRUE(identity.MayAll(Role::kOperator, Glob::All()));  // By the second alone.
  const Identity halves = With({{Role::kOperator, {Parsed("*"), Parsed("*/*/**")}}});
  EXPECT_FALSE(halves.MayAll(Role::kOperator, Glob::All()));
}

}  // namespace
}  // namespace fusebox
