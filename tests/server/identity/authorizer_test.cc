#include "server/identity/authorizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "testing/identities.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

std::string File(absl::string_view role, absl::string_view match) {
  return absl::StrCat("identities:\n- name: ci\n  token_sha256: [\"", TokenSha256("s3cret"),
                      "\"]\n  san: [\"spiffe://ci\", ci.prod]\n  grants: [{role: ", role,
                      ", match: [\"", match, "\"]}]\n");
}

Credentials Token(absl::string_view token) {
  return {.authorization = {absl::StrCat("Bearer ", token)}};
}

class AuthorizerTest : public testing::Test {
 protected:
  void Grant(absl::string_view role, absl::string_view match) {
    absl::StatusOr<Identities> identities = Identities::Parse("f.yaml", File(role, match));
    ASSERT_TRUE(identities.ok()) << identities.status();
    authorizer_.SetIdentities(*std::move(identities));
  }

  absl::StatusOr<Caller> Check(const Credentials& credentials, Role role = Role::kCaller,
                               const Scope& scope = Scope::Name("a/b")) const {
    return authorizer_.Check(credentials, role, scope, "Method");
  }

  // "OK" or the reason of the error, whose code must be that of the reason.
  std::string Ending(const Credentials& credentials, Role role = Role::kCaller,
                     const Scope& scope = Scope::Name("a/b")) const {
    const absl::Status status = Check(credentials, role, scope).status();
    if (status.ok()) return "OK";
    const std::string reason = ErrorReason(status);
    EXPECT_EQ(status.code(), reason == "PERMISSION_DENIED" ? absl::StatusCode::kPermissionDenied
                                                           : absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(std::string(status.message()),
                testing::AllOf(testing::StartsWith("Method: "), HasSubstr("; "),
                               testing::Not(HasSubstr("s3cret"))));
    return reason;
  }

  Authorizer authorizer_;
};

TEST_F(AuthorizerTest, LetsEverybodyDoEverythingUntilThereAreIdentities) {
  for (const Credentials& credentials : {Credentials(), Token("whatever")}) {
    const absl::StatusOr<Caller> caller = Check(credentials, Role::kOperator, Scope::All());
    ASSERT_TRUE(caller.ok());
    EXPECT_EQ(caller->name(), "");
    EXPECT_TRUE(caller->May(Role::kOperator, "x"));
    EXPECT_TRUE(caller->MayAll(Role::kOperator, Glob::All()));
    EXPECT_TRUE(caller->Check(Role::kOperator, Scope::All(), "Method").ok());
  }
}

TEST_F(AuthorizerTest, KnowsWhoShowsATokenOrACertificate) {
  Grant("CALLER", "**");
  for (const Credentials& credentials :
       {Token("s3cret"), Credentials{.authorization = {"bearer  s3cret "}},
        Credentials{.uris = {"spiffe://other", "spiffe://ci"}, .has_certificate = true},
        Credentials{
            .uris = {"spiffe://other"}, .dns_names = {"ci.prod"}, .has_certificate = true}}) {
    const absl::StatusOr<Caller> caller = Check(credentials);
    ASSERT_TRUE(caller.ok()) << caller.status();
    EXPECT_EQ(caller->name(), "ci");
  }
}

TEST_F(AuthorizerTest, SaysWhyItDoesNotKnowSomebody) {
  Grant("CALLER", "**");
  EXPECT_EQ(Ending({}), "CREDENTIALS_MISSING");
  EXPECT_EQ(Ending(Token("S3cret")), "TOKEN_UNKNOWN");
  EXPECT_EQ(Ending({.uris = {"spiffe://other"}, .has_certificate = true}), "CERTIFICATE_UNKNOWN");
  EXPECT_EQ(Ending({.dns_names = {"spiffe://ci"}, .has_certificate = true}), "CERTIFICATE_UNKNOWN");
  for (const char* header : {"s3cret", "Basic s3cret", "Bearer", "Bearer ", ""}) {
    EXPECT_EQ(Ending({.authorization = {header}}), "TOKEN_INVALID") << header;
  }
  EXPECT_EQ(Ending({.authorization = {"Bearer s3cret", "Bearer s3cret"}}), "TOKEN_INVALID");
}

// It is no good to be told to show what one shows.
TEST_F(AuthorizerTest, SaysWhatACertificateWithoutNamesLacks) {
  Grant("CALLER", "**");
  EXPECT_EQ(Ending({.has_certificate = true}), "CERTIFICATE_UNKNOWN");
  EXPECT_THAT(std::string(Check({.has_certificate = true}).status().message()),
              HasSubstr("has no URI and no DNS name"));
}

// TLS checks dates in a handshake, and a resumed session has none.
TEST_F(AuthorizerTest, AResumedSessionEndsWithItsCertificate) {
  absl::Time now = absl::FromUnixSeconds(1'500'000'000);
  Authorizer authorizer([&now] { return now; });
  authorizer.NameByCertificate();
  const Credentials ci = {.uris = {"spiffe://ci"}, .has_certificate = true, .expires = now};
  Credentials with_token = Token("s3cret");
  with_token.expires = now;
  const auto check = [&authorizer](const Credentials& credentials) {
    return authorizer.Check(credentials, Role::kCaller, Scope::All(), "Method").status();
  };
  EXPECT_TRUE(check(ci).ok());
  now += absl::Seconds(1);
  for (const Credentials& credentials : {ci, with_token}) {
    EXPECT_EQ(check(credentials).code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(ErrorReason(check(credentials)), "CERTIFICATE_EXPIRED");
  }
  EXPECT_THAT(std::string(check(ci).message()),
              testing::AllOf(HasSubstr("expired at 2017-07-14T02:40:00"), HasSubstr("; connect")));
  Credentials anew = ci;
  anew.expires = absl::InfiniteFuture();
  EXPECT_TRUE(check(anew).ok());
}

// A client that sends one means it: it is not somebody else without saying so.
TEST_F(AuthorizerTest, AnUnknownTokenIsNotMendedByACertificate) {
  Grant("CALLER", "**");
  EXPECT_EQ(
      Ending({.authorization = {"Bearer old"}, .uris = {"spiffe://ci"}, .has_certificate = true}),
      "TOKEN_UNKNOWN");
}

TEST_F(AuthorizerTest, AsksForTheRoleAndTheName) {
  Grant("CALLER", "a/*");
  EXPECT_EQ(Ending(Token("s3cret")), "OK");
  EXPECT_EQ(Ending(Token("s3cret"), Role::kReader), "PERMISSION_DENIED");
  EXPECT_EQ(Ending(Token("s3cret"), Role::kOperator), "PERMISSION_DENIED");
  EXPECT_EQ(Ending(Token("s3cret"), Role::kCaller, Scope::Name("b")), "PERMISSION_DENIED");
  EXPECT_EQ(Ending(Token("s3cret"), Role::kCaller, Scope::Some()), "OK");
  EXPECT_EQ(Ending(Token("s3cret"), Role::kReader, Scope::Some()), "PERMISSION_DENIED");
}

TEST_F(AuthorizerTest, AsksForAllThatAGlobMatches) {
  Grant("OPERATOR", "a/**");
  const auto may = [this](const Scope& scope) {
    return Ending(Token("s3cret"), Role::kOperator, scope) == "OK";
  };
  EXPECT_TRUE(may(Scope::Match("a/b*")));
  EXPECT_FALSE(may(Scope::Match("**")));
  EXPECT_FALSE(may(Scope::All()));
  EXPECT_TRUE(may(Scope::MatchAll(std::vector<std::string>{"a", "a/*"})));
  EXPECT_FALSE(may(Scope::MatchAll(std::vector<std::string>{"a", "b"})));
  Grant("OPERATOR", "**");
  EXPECT_TRUE(may(Scope::All()));
}

// Somebody has to be told that a glob is none; but nobody must get further with one.
TEST_F(AuthorizerTest, WhatIsNoGlobIsLeftToWhoMayDoEverything) {
  Grant("OPERATOR", "a/**");
  for (const absl::string_view text : {"", "a//b", "a/**b", "a b"}) {
    EXPECT_EQ(Ending(Token("s3cret"), Role::kOperator, Scope::Match(text)), "PERMISSION_DENIED");
  }
  Grant("OPERATOR", "**");
  EXPECT_EQ(Ending(Token("s3cret"), Role::kOperator, Scope::Match("a//b")), "OK");
}

TEST_F(AuthorizerTest, NamesWhoWhatAndTheRemedy) {
  Grant("CALLER", "a/*");
  EXPECT_EQ(Check(Token("s3cret"), Role::kOperator,
                  Scope::MatchAll(std::vector<std::string>{"x/*", "y\n"}))
                .status()
                .message(),
            "Method: \"ci\" is no OPERATOR of \"x/*\", \"y\\n\"; grant it role OPERATOR for that "
            "in the server's file of identities");
  EXPECT_THAT(std::string(Check(Token("s3cret"), Role::kReader, Scope::Some()).status().message()),
              HasSubstr("is no READER of at least one breaker; "));
}

TEST_F(AuthorizerTest, ACallerKnowsWhatElseTheyMay) {
  Grant("READER", "a/*");
  const absl::StatusOr<Caller> caller = Check(Token("s3cret"), Role::kReader, Scope::Some());
  ASSERT_TRUE(caller.ok());
  EXPECT_TRUE(caller->May(Role::kReader, "a/x"));
  EXPECT_FALSE(caller->May(Role::kReader, "b/x"));
  EXPECT_TRUE(caller->MaySome(Role::kReader, *Glob::Parse("**")));
  EXPECT_FALSE(caller->MayAll(Role::kReader, *Glob::Parse("**")));
  EXPECT_EQ(ErrorReason(caller->Check(Role::kReader, Scope::Name("b"), "Method")),
            "PERMISSION_DENIED");
}

// Nobody signs for somebody else in the history.
TEST_F(AuthorizerTest, WhatTheServerKnowsGoesBeforeWhatARequestClaims) {
  EXPECT_EQ(Caller().ActorOr("alice"), "alice");
  Grant("CALLER", "**");
  EXPECT_EQ(Check(Token("s3cret"))->ActorOr("alice"), "ci");
  EXPECT_EQ(Check(Token("s3cret"))->ActorOr(""), "ci");
}

TEST_F(AuthorizerTest, NamesCallersByTheirCertificatesWithoutIdentities) {
  authorizer_.NameByCertificate();
  EXPECT_EQ(Check({.uris = {"spiffe://a", "spiffe://b"}, .dns_names = {"c"}})->name(),
            "spiffe://a");
  EXPECT_EQ(Check({.dns_names = {"c"}})->name(), "c");
  EXPECT_EQ(Check({})->name(), "");
  EXPECT_EQ(Check({.uris = {std::string(300, 'x')}})->name().size(), 256u);
  EXPECT_TRUE(Check({.dns_names = {"c"}})->MayAll(Role::kOperator, Glob::All()));
}

TEST_F(AuthorizerTest, NewIdentitiesReplaceTheOldAtOnce) {
  Grant("CALLER", "a/*");
  const absl::StatusOr<Caller> before = Check(Token("s3cret"));
  ASSERT_TRUE(before.ok());
  EXPECT_TRUE(authorizer_.IsCurrent(*before));
  Grant("CALLER", "a/*");
  EXPECT_TRUE(authorizer_.IsCurrent(*before));
  Grant("READER", "a/*");
  EXPECT_EQ(Ending(Token("s3cret")), "PERMISSION_DENIED");
  EXPECT_FALSE(authorizer_.IsCurrent(*before));
  authorizer_.SetIdentities(Identities());
  EXPECT_EQ(Ending(Token("s3cret")), "TOKEN_UNKNOWN");
  EXPECT_FALSE(authorizer_.IsCurrent(*before));
  EXPECT_TRUE(authorizer_.IsCurrent(Caller()));
}

TEST_F(AuthorizerTest, MayBeAskedWhileIdentitiesChange) {
  Grant("CALLER", "a/*");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 500; ++j) {
        const absl::StatusOr<Caller> caller = Check(Token("s3cret"));
        ASSERT_TRUE(caller.ok());
        EXPECT_EQ(caller->name(), "ci");
      }
    });
  }
  for (int i = 0; i < 50; ++i) Grant(i % 2 == 0 ? "OPERATOR" : "CALLER", "a/*");
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fusebox
