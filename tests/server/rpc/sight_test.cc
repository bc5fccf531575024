// What the caller of a stream sees, and for how long.
#include "server/rpc/sight.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

Identities WithGrant(absl::string_view grant) {
  return *Identities::Parse(
      "f.yaml", absl::StrCat("identities: [{name: ci, san: [ci], grants: [", grant, "]}]"));
}

TEST(SightTest, ByItselfSeesEverythingForEver) {
  const Sight sight;
  EXPECT_TRUE(sight.Sees("a/b"));
  EXPECT_TRUE(sight.CheckCurrent().ok());
}

TEST(SightTest, SeesWhatItsCallerMayRead) {
  Authorizer authorizer;
  authorizer.SetIdentities(WithGrant("{role: READER, match: [a/*]}, {role: CALLER, match: [a/*]}"));
  const Credentials ci = {.dns_names = {"ci"}, .has_certificate = true};
  const Sight sight(authorizer, *authorizer.Check(ci, Role::kReader, Scope::Some(), "Watch"));
  EXPECT_TRUE(sight.Sees("a/b"));
  EXPECT_FALSE(sight.Sees("b/b"));
}

// Who resumes is told what changed since, and not what has only come into sight.
TEST(SightTest, ATokenIsGoodForWhoSeesTheSame) {
  Authorizer authorizer;
  const Credentials ci = {.dns_names = {"ci"}, .has_certificate = true};
  const auto sight_with = [&](absl::string_view grant) {
    authorizer.SetIdentities(WithGrant(grant));
    return Sight(authorizer, *authorizer.Check(ci, Role::kReader, Scope::Some(), "Watch"));
  };
  const Sight before = sight_with("{role: READER, match: [a/*]}");
  const std::string token = before.Mark("token");
  EXPECT_EQ(*before.Unmark(token), "token");
  EXPECT_EQ(*sight_with("{role: READER, match: [a/*]}").Unmark(token), "token");
  const absl::Status stale = sight_with("{role: READER, match: [a]}").Unmark(token).status();
  EXPECT_EQ(stale.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ErrorReason(stale), "RESUME_TOKEN_STALE");
  EXPECT_EQ(before.Mark(""), "");
  EXPECT_EQ(*before.Unmark("no token at all"), "no token at all");  // The engine's to refuse.
}

TEST(SightTest, TokensAreAsTheyAreWhereEverybodySeesEverything) {
  EXPECT_EQ(Sight().Mark("token"), "token");
  EXPECT_EQ(*Sight().Unmark("token@1"), "token@1");
}

// Else it would go on to see what was taken away from it.
TEST(SightTest, EndsWhenItsCallerIsNotWhoTheyWere) {
  Authorizer authorizer;
  authorizer.SetIdentities(WithGrant("{role: READER, match: [a]}"));
  const Credentials ci = {.dns_names = {"ci"}, .has_certificate = true};
  const Sight sight(authorizer, *authorizer.Check(ci, Role::kReader, Scope::Some(), "Watch"));
  authorizer.SetIdentities(WithGrant("{role: READER, match: [a]}"));
  EXPECT_TRUE(sight.CheckCurrent().ok());
  authorizer.SetIdentities(WithGrant("{role: READER, match: [a/*]}"));
  EXPECT_EQ(sight.CheckCurrent().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(sight.CheckCurrent()), "GRANTS_CHANGED");
}

}  // namespace
}  // namespace fusebox
