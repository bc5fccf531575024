// Where a watch goes on that broke off.
#include "server/engine/resume_token.h"

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

constexpr uint64_t kLife = 1'234'567'890'123;

// What was handed out is understood.
TEST(ResumeTokenTest, OpensWhatItMade) {
  for (const uint64_t number : {uint64_t{0}, uint64_t{7}, std::numeric_limits<uint64_t>::max()}) {
    for (const char* match : {"**", "db/*", "a-1-2/**"}) {
      const std::string token = MakeResumeToken(kLife, number, match);
      const absl::StatusOr<uint64_t> opened = OpenResumeToken(token, kLife, match);
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(*opened, number);
    }
  }
}

// Another life numbers from 1 again, and has forgotten what changed before it.
TEST(ResumeTokenTest, TheTokenOfAnotherLifeIsStale) {
  for (const uint64_t life : {kLife - 1, kLife + 1}) {
    ExpectError(OpenResumeToken(MakeResumeToken(life, 5, "**"), kLife, "**").status(),
                absl::StatusCode::kOutOfRange, "RESUME_TOKEN_STALE",
                {"resume_token", "another life", "; watch anew"});
  }
}

// What the narrow watch was not told of would be missing from the wide one for ever.
TEST(ResumeTokenTest, RefusesTheTokenOfAnotherMatch) {
  const absl::Status status =
      OpenResumeToken(MakeResumeToken(kLife, 5, "db/*"), kLife, "**").status();
  ExpectError(status, absl::StatusCode::kInvalidArgument, "RESUME_TOKEN_INVALID",
              {"resume_token", "\"**\"", "; send"});
  EXPECT_EQ(ErrorField(status), "resume_token");
}

// Nor is anything else a token, whoever made it.
TEST(ResumeTokenTest, RefusesWhatIsNoToken) {
  const std::string good = MakeResumeToken(kLife, 5, "**");
  for (const std::string& token :
       {std::string("-"), std::string("--"), std::string("x"), std::string("1234567890123-5"),
        std::string("1234567890123-5-"), std::string("1234567890123-5-x"),
        std::string("1234567890123-x-") + good.substr(good.rfind('-') + 1), good + "-",
        good.substr(0, good.size() - 1), absl::StrCat(" ", good, "0"), std::string(100'000, '7'),
        std::string("1234567890123-18446744073709551616-0"), std::string("\xff\0\n", 3)}) {
    const absl::Status status = OpenResumeToken(token, kLife, "**").status();
    ExpectError(status, absl::StatusCode::kInvalidArgument, "RESUME_TOKEN_INVALID",
                {"resume_token", "; send"});
    EXPECT_LT(status.message().size(), 600u);
  }
}

}  // namespace
}  // namespace fusebox
