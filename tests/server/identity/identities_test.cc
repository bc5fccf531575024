#include "server/identity/identities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "testing/identities.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// HASH(x) stands for the SHA-256 of the token x.
std::string Expand(absl::string_view text) {
  std::string expanded(text);
  for (const absl::string_view token : {"one", "two", "three", ""}) {
    expanded = absl::StrReplaceAll(expanded, {{absl::StrCat("HASH(", token, ")"),
                                               absl::StrCat("\"", TokenSha256(token), "\"")}});
  }
  return expanded;
}

Identities Parsed(absl::string_view text) {
  absl::StatusOr<Identities> identities = Identities::Parse("f.yaml", Expand(text));
  EXPECT_TRUE(identities.ok()) << identities.status();
  return identities.ok() ? *std::move(identities) : Identities();
}

std::vector<std::string> Errors(absl::string_view text) {
  const absl::Status status = Identities::Parse("f.yaml", Expand(text)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return absl::StrSplit(status.message(), '\n');
}

constexpr char kTwo[] = R"(identities:
- name: ci
  token_sha256: [HASH(one), HASH(two)]
  grants:
  - role: OPERATOR
    match: ["payments/**", "cart"]
  - {role: reader, match: ["**"]}
- name: payments@prod.example_1-x
  san: ["spiffe://prod/payments", payments.prod]
  grants: [{role: ROLE_CALLER, match: ["**"]}]
)";

std::string NameOf(const std::shared_ptr<const Identity>& identity) {
  return identity == nullptr ? "nobody" : identity->name();
}

TEST(IdentitiesTest, FindsWhoShowsAToken) {
  const Identities identities = Parsed(kTwo);
  EXPECT_EQ(identities.size(), 2u);
  EXPECT_EQ(NameOf(identities.FindByToken("one")), "ci");
  EXPECT_EQ(NameOf(identities.FindByToken("two")), "ci");
  for (const absl::string_view token :
       {"three", "", "One", "one ", "on", "spiffe://prod/payments"}) {
    EXPECT_EQ(NameOf(identities.FindByToken(token)), "nobody") << token;
  }
  // Whoever has read the file has no token yet.
  EXPECT_EQ(NameOf(identities.FindByToken(TokenSha256("one"))), "nobody");
}

TEST(IdentitiesTest, FindsWhoShowsACertificate) {
  const Identities identities = Parsed(kTwo);
  EXPECT_EQ(NameOf(identities.FindByUri("spiffe://prod/payments")), "payments@prod.example_1-x");
  EXPECT_EQ(NameOf(identities.FindByDns("payments.prod")), "payments@prod.example_1-x");
  EXPECT_EQ(NameOf(identities.FindByUri("spiffe://prod/payments/x")), "nobody");
  EXPECT_EQ(NameOf(identities.FindByDns("x.payments.prod")), "nobody");
}

// An authority that signs any DNS name for its owner must not give away URIs with it.
TEST(IdentitiesTest, ANameOfOneKindIsNoneOfTheOther) {
  const Identities identities = Parsed(kTwo);
  EXPECT_EQ(NameOf(identities.FindByDns("spiffe://prod/payments")), "nobody");
  EXPECT_EQ(NameOf(identities.FindByUri("payments.prod")), "nobody");
}

TEST(IdentitiesTest, ReadsGrants) {
  const Identities identities = Parsed(kTwo);
  const auto ci = identities.FindByToken("one");
  ASSERT_NE(ci, nullptr);
  EXPECT_TRUE(ci->May(Role::kOperator, "payments/x"));
  EXPECT_TRUE(ci->May(Role::kOperator, "cart"));
  EXPECT_FALSE(ci->May(Role::kOperator, "db"));
  EXPECT_TRUE(ci->May(Role::kReader, "db"));
  const auto payments = identities.FindByDns("payments.prod");
  ASSERT_NE(payments, nullptr);
  EXPECT_TRUE(payments->MayAll(Role::kCaller, Glob::All()));
  EXPECT_FALSE(payments->May(Role::kReader, "db"));
}

TEST(IdentitiesTest, TakesDigestsInEitherCase) {
  const std::string upper = absl::AsciiStrToUpper(TokenSha256("one"));
  const Identities identities =
      Parsed(absl::StrCat("identities: [{name: a, token_sha256: [\"", upper,
                          "\"], grants: [{role: READER, match: [a]}]}]"));
  EXPECT_EQ(NameOf(identities.FindByToken("one")), "a");
}

// Whose globs were all taken away has none left, and not all there are.
TEST(IdentitiesTest, RefusesAGrantWithoutGlobs) {
  constexpr absl::string_view kStart =
      "identities:\n- name: a\n  san: [x]\n  grants:\n  - role: OPERATOR\n";
  const std::string error =
      "f.yaml:5: identities[0].grants[0] has no match; write the globs of its breakers, [\"**\"] "
      "for all";
  EXPECT_THAT(Errors(kStart), ElementsAre(error));
  EXPECT_THAT(Errors(absl::StrCat(kStart, "    match: []\n")), ElementsAre(error));
  for (const absl::string_view nothing : {"", " null", " ~"}) {
    EXPECT_THAT(Errors(absl::StrCat(kStart, "    match:", nothing, "\n")),
                ElementsAre(StartsWith("f.yaml:6: identities[0].grants[0].match has no value; ")));
  }
  const Identities all = Parsed(absl::StrCat(kStart, "    match: [\"**\"]\n"));
  ASSERT_NE(all.FindByDns("x"), nullptr);
  EXPECT_TRUE(all.FindByDns("x")->MayAll(Role::kOperator, Glob::All()));
}

TEST(IdentitiesTest, NobodyIsSaidInSoManyWords) {
  EXPECT_EQ(Parsed("identities: []").size(), 0u);
  for (const absl::string_view text : {"", "\n", "# identities: []\n", "---\n", "{}"}) {
    EXPECT_THAT(Errors(text), ElementsAre("f.yaml is empty; write who may call, or "
                                          "\"identities: []\" if nobody may"));
  }
  EXPECT_THAT(Errors("identities:\n"),
              ElementsAre(StartsWith("f.yaml:1: identities has no value")));
}

TEST(IdentitiesTest, KnowsWhoIsStillTheSame) {
  const Identities before = Parsed(kTwo);
  const auto ci = before.FindByToken("one");
  ASSERT_NE(ci, nullptr);
  EXPECT_TRUE(before.Has(*ci));
  EXPECT_TRUE(Parsed(kTwo).Has(*ci));
  EXPECT_TRUE(Parsed(absl::StrReplaceAll(kTwo, {{"payments.prod", "other"}})).Has(*ci));
  for (const auto& [from, to] : std::vector<std::pair<absl::string_view, absl::string_view>>{
           {"name: ci", "name: cd"},
           {"HASH(two)", "HASH(three)"},
           {"HASH(one), ", ""},
           {"\"cart\"", "\"carts\""},
           {"role: reader", "role: caller"}}) {
    EXPECT_FALSE(Parsed(absl::StrReplaceAll(kTwo, {{from, to}})).Has(*ci)) << from;
  }
}

TEST(IdentitiesTest, NamesTheLineOfEachProblem) {
  EXPECT_THAT(
      Errors(R"(identities:
- name: "c i"
  token_sha256: [HASH(one)]
  grants:
  - match: ["a b"]
- name: two
  grants: []
)"),
      ElementsAre("f.yaml:2: identities[0].name is \"c i\"; use 1 to 63 letters, digits and "
                  "any of . _ @ -",
                  "f.yaml:5: identities[0].grants[0] has no role; write CALLER, READER or "
                  "OPERATOR",
                  "f.yaml:5: identities[0].grants[0].match[0] is \"a b\"; use "
                  "[A-Za-z0-9._~-], slashes and stars",
                  "f.yaml:6: identities[1] has no grants; add one, or remove the identity",
                  "f.yaml:6: identities[1] has neither token_sha256 nor san; nobody could "
                  "prove to be it: add one"));
}

TEST(IdentitiesTest, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Errors("identities:\n- name: ci\n  token: abc\n"),
              ElementsAre(StartsWith("f.yaml:3: identities[0].token")));
  EXPECT_THAT(Errors("identities:\n- grants: [{role: ADMIN}]\n"),
              ElementsAre(StartsWith("f.yaml:2: identities[0].grants[0].role is \"ADMIN\"")));
}

// The mistake that would put a secret into the log.
TEST(IdentitiesTest, DoesNotRepeatATokenThatStandsWhereItsHashBelongs) {
  const std::vector<std::string> errors = Errors(
      "identities:\n- name: ci\n  token_sha256: [hunter2]\n  grants: [{role: READER, match: "
      "[a]}]\n");
  EXPECT_THAT(errors, ElementsAre(StartsWith("f.yaml:3: identities[0].token_sha256[0] is not the "
                                             "SHA-256 of a token, 64 hex digits, but 7 bytes")));
  EXPECT_THAT(errors.front(), testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(errors.front(), HasSubstr("sha256sum"));
}

// What a script writes whose variable was not set: everybody without a token would be let in.
TEST(IdentitiesTest, RefusesTheHashOfNothing) {
  EXPECT_THAT(
      Errors("identities:\n- name: ci\n  token_sha256: [HASH()]\n  grants: [{role: READER, match: "
             "[a]}]\n"),
      ElementsAre("f.yaml:3: identities[0].token_sha256[0] is the SHA-256 of nothing at all; hash "
                  "the token"));
}

// Else it would be chance who somebody is.
TEST(IdentitiesTest, RefusesTwoIdentitiesThatShareSomething) {
  constexpr char kShared[] = R"(identities:
- {name: a, token_sha256: [HASH(one)], san: [x, "u:x"], grants: [{role: READER, match: [a]}]}
- {name: a, token_sha256: [HASH(two)], grants: [{role: READER, match: [a]}]}
- {name: c, token_sha256: [HASH(one)], san: ["u:x", x], grants: [{role: READER, match: [a]}]}
)";
  EXPECT_THAT(Errors(kShared),
              ElementsAre(StartsWith("f.yaml:3: identities[1].name is \"a\"; an identity above"),
                          StartsWith("f.yaml:4: identities[2].token_sha256[0] is there already"),
                          StartsWith("f.yaml:4: identities[2].san[0] is \"u:x\"; it is there"),
                          StartsWith("f.yaml:4: identities[2].san[1] is \"x\"; it is there")));
}

TEST(IdentitiesTest, RefusesNamesThatWouldNotFitTheHistory) {
  const auto with_name = [](const std::string& name) {
    return absl::StrCat("identities: [{name: \"", name,
                        "\", token_sha256: [HASH(one)], grants: [{role: READER, match: [a]}]}]");
  };
  EXPECT_EQ(Parsed(with_name(std::string(63, 'x'))).size(), 1u);
  for (const std::string& name : {std::string(64, 'x'), std::string("a/b"), std::string("")}) {
    EXPECT_THAT(Errors(with_name(name)), ElementsAre(HasSubstr("; use 1 to 63 letters")));
  }
}

TEST(IdentitiesTest, RefusesNamesThatNoCertificateHas) {
  for (const absl::string_view san : {"", "a b", "\\u00e9"}) {
    EXPECT_THAT(Errors(absl::StrCat("identities: [{name: a, san: [\"", san,
                                    "\"], grants: [{role: READER, match: [a]}]}]")),
                ElementsAre(HasSubstr("; write a URI like spiffe://prod/payments or a DNS name")));
  }
}

}  // namespace
}  // namespace fusebox
