// The table of all breakers: its order, what fits a query, and how old it may be.
#include "server/pages/board.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/outcome.h"
#include "core/override.h"
#include "core/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BoardTest : public ::testing::Test {
 protected:
  void Observe(absl::string_view breaker, Outcome outcome, uint32_t calls = 1) {
    const Ending ending{.result = Result::Of(outcome), .client = "client", .calls = calls};
    ASSERT_TRUE(engine_.Record(breaker, "", ending).ok());
  }

  void Trip(absl::string_view breaker) { Observe(breaker, Outcome::kFailure, 5); }

  void Allow(absl::string_view breaker, int calls = 1) {
    for (int i = 0; i < calls; ++i) {
      ASSERT_TRUE(engine_.Allow(breaker, {}, "client").ok());
    }
  }

  void Impose(absl::string_view match, OverrideMode mode) {
    Override imposed;
    imposed.mode = mode;
    imposed.reason = "to see it";
    ASSERT_TRUE(engine_.SetOverride(match, imposed).ok());
  }

  // As if it had last been read long ago.
  http::v1::Board ReadAnew(const BoardQuery& query = {}) {
    clock_.Advance(absl::Seconds(1));
    return board_.Read(query);
  }

  static std::vector<std::string> NamesOf(const http::v1::Board& board) {
    std::vector<std::string> names;
    for (const http::v1::BoardRow& row : board.rows()) names.push_back(row.name());
    return names;
  }

  static http::v1::BoardRow RowOf(const http::v1::Board& board, absl::string_view name) {
    for (const http::v1::BoardRow& row : board.rows()) {
      if (row.name() == name) return row;
    }
    ADD_FAILURE() << "there is no row of " << name;
    return {};
  }

  FakeClock clock_;
  Engine engine_{{.max_breakers = 10'000}, clock_, /*life=*/7};
  Board board_{engine_};
};

TEST_F(BoardTest, OfNothingIsEmpty) {
  const http::v1::Board board = ReadAnew();
  EXPECT_EQ(board.breakers(), 0u);
  EXPECT_EQ(board.matching(), 0u);
  EXPECT_THAT(board.rows(), IsEmpty());
}

TEST_F(BoardTest, TheWorstComeFirst) {
  for (const char* name : {"well/b", "well/a", "probing", "imposed", "open", "unwell"}) {
    Allow(name);
  }
  Trip("probing");
  clock_.Advance(absl::Seconds(31));  // Its wait is over.
  engine_.Maintain();
  Trip("open");
  Impose("imposed", OverrideMode::kShadow);
  Observe("unwell", Outcome::kSuccess, 100);
  for (int i = 0; i < 20; ++i) {
    Observe("unwell", Outcome::kFailure);
    Observe("unwell", Outcome::kSuccess);
  }
  EXPECT_THAT(NamesOf(ReadAnew()),
              ElementsAre("open", "probing", "imposed", "unwell", "well/a", "well/b"));
}

TEST_F(BoardTest, AmongTheWellTheNearestToOpeningComeFirst) {
  Observe("far", Outcome::kSuccess, 97);
  Observe("far", Outcome::kFailure, 3);
  Observe("near", Outcome::kSuccess, 93);
  for (int i = 0; i < 7; ++i) {
    Observe("near", Outcome::kFailure);
    Observe("near", Outcome::kSuccess);
  }
  Allow("a/unknown");
  const http::v1::Board board = ReadAnew();
  EXPECT_THAT(NamesOf(board), ElementsAre("near", "far", "a/unknown"));
  EXPECT_DOUBLE_EQ(RowOf(board, "far").failure_rate(), 0.03);
  EXPECT_DOUBLE_EQ(RowOf(board, "far").failure_rate_threshold(), 0.5);
  EXPECT_FALSE(RowOf(board, "a/unknown").has_failure_rate());
}

TEST_F(BoardTest, ARowSaysSinceWhenAndForHowLong) {
  Trip("open");
  Allow("closed");
  clock_.Advance(absl::Seconds(9));
  const http::v1::Board board = ReadAnew();
  EXPECT_DOUBLE_EQ(RowOf(board, "open").seconds_in_state(), 10);
  EXPECT_DOUBLE_EQ(RowOf(board, "open").seconds_to_probe(), 20);
  EXPECT_EQ(RowOf(board, "open").health(), v1::HEALTH_UNHEALTHY);
  EXPECT_FALSE(RowOf(board, "closed").has_seconds_in_state()) << "it had no other state";
  EXPECT_FALSE(RowOf(board, "closed").has_seconds_to_probe());
}

TEST_F(BoardTest, ARowSaysWhatIsImposed) {
  Allow("db/orders");
  Impose("db/*", OverrideMode::kForcedOpen);
  const http::v1::BoardRow row = RowOf(ReadAnew(), "db/orders");
  EXPECT_EQ(row.state(), v1::STATE_CLOSED);
  EXPECT_EQ(row.override().mode(), v1::OVERRIDE_MODE_FORCED_OPEN);
  EXPECT_EQ(row.override().match(), "db/*");
  EXPECT_EQ(row.override().reason(), "to see it");
}

TEST_F(BoardTest, RatesAreDifferencesBetweenTwoLooks) {
  Allow("a", 7);
  EXPECT_FALSE(RowOf(ReadAnew(), "a").has_calls_per_second());
  Allow("a", 10);
  clock_.Advance(absl::Seconds(1));
  EXPECT_DOUBLE_EQ(RowOf(ReadAnew(), "a").calls_per_second(), 5) << "10 calls in 2 s";
  Trip("a");
  Allow("a", 4);
  const http::v1::BoardRow row = RowOf(ReadAnew(), "a");
  EXPECT_DOUBLE_EQ(row.calls_per_second(), 0);
  EXPECT_DOUBLE_EQ(row.refused_per_second(), 4);
}

TEST_F(BoardTest, CountsAllWhateverFits) {
  for (int i = 0; i < 30; ++i) Allow(absl::StrCat("b/", i));
  Trip("b/7");
  Trip("b/8");
  Impose("b/1*", OverrideMode::kForcedClosed);
  BoardQuery query;
  query.filter = "B/1";
  query.limit = 3;
  const http::v1::Board board = ReadAnew(query);
  EXPECT_EQ(board.breakers(), 30u);
  EXPECT_EQ(board.open(), 2u);
  EXPECT_EQ(board.overridden(), 11u);
  EXPECT_EQ(board.matching(), 11u) << "1 and 10 to 19";
  EXPECT_EQ(board.rows_size(), 3);
}

TEST_F(BoardTest, ShowsAPageOfWhatFits) {
  for (int i = 0; i < 30; ++i) Allow(absl::StrCat("b/", 10 + i));
  BoardQuery query;
  query.offset = 28;
  query.limit = 10;
  const http::v1::Board board = ReadAnew(query);
  EXPECT_EQ(board.offset(), 28u);
  EXPECT_THAT(NamesOf(board), ElementsAre("b/38", "b/39"));
}

TEST_F(BoardTest, ShowsThoseInAStateOrOverridden) {
  for (const char* name : {"a", "b", "c"}) Allow(name);
  Trip("b");
  Impose("c", OverrideMode::kShadow);
  BoardQuery open;
  open.state = State::kOpen;
  EXPECT_THAT(NamesOf(ReadAnew(open)), ElementsAre("b"));
  BoardQuery overridden;
  overridden.overridden = true;
  EXPECT_THAT(NamesOf(ReadAnew(overridden)), ElementsAre("c"));
}

// Nor does a total tell of those that somebody may not see.
TEST_F(BoardTest, IsAsIfThereWereNoneButThoseThatOneMaySee) {
  for (const char* name : {"mine/a", "theirs/b", "theirs/c"}) Allow(name);
  Trip("theirs/b");
  BoardQuery query;
  query.may_see = [](absl::string_view name) { return name == "mine/a"; };
  const http::v1::Board board = ReadAnew(query);
  EXPECT_EQ(board.breakers(), 1u);
  EXPECT_EQ(board.open(), 0u);
  EXPECT_EQ(board.matching(), 1u);
  EXPECT_THAT(NamesOf(board), ElementsAre("mine/a"));
}

TEST_F(BoardTest, IsReadAnewAfterHalfASecond) {
  Allow("a");
  EXPECT_EQ(board_.Read({}).breakers(), 1u);
  Allow("b");
  EXPECT_EQ(board_.Read({}).breakers(), 1u);
  clock_.Advance(absl::Milliseconds(499));
  EXPECT_EQ(board_.Read({}).breakers(), 1u);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(board_.Read({}).breakers(), 2u);
}

TEST_F(BoardTest, IsForgottenWhenNobodyAsks) {
  Allow("a", 3);
  ReadAnew();
  clock_.Advance(absl::Seconds(9));
  board_.Forget();
  EXPECT_TRUE(RowOf(ReadAnew(), "a").has_calls_per_second()) << "it is compared with what was seen";
  clock_.Advance(absl::Seconds(11));
  board_.Forget();
  EXPECT_FALSE(RowOf(ReadAnew(), "a").has_calls_per_second());
}

TEST_F(BoardTest, IsReadByManyAtOnce) {
  for (int i = 0; i < 100; ++i) Allow(absl::StrCat("b/", i));
  std::atomic<bool> enough = false;
  std::thread time([&] {
    while (!enough) {
      clock_.Advance(absl::Milliseconds(100));
      board_.Forget();
    }
  });
  const auto read = [&] {
    for (int i = 0; i < 200; ++i) EXPECT_EQ(board_.Read({}).breakers(), 100u);
  };
  std::thread one(read), two(read);
  one.join();
  two.join();
  enough = true;
  time.join();
}

}  // namespace
}  // namespace fusebox
