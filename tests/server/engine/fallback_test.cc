// One question to several breakers: the first that grants, and nothing spent on the others.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr absl::string_view kSonnet = "llm/sonnet", kHaiku = "llm/haiku", kQueue = "llm/queue";
constexpr absl::string_view kChain[] = {kSonnet, kHaiku, kQueue};

class FallbackTest : public EngineTest {
 protected:
  explicit FallbackTest(const EngineOptions& options = {}) : EngineTest(options) {}

  AllowAnswer AllowAny(const Question& question = {}) {
    const absl::StatusOr<AllowAnswer> answer = engine_.AllowAny(kChain, question, "client");
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(AllowAnswer{});
  }
  // Who refused, and why.
  static std::vector<std::pair<size_t, Reason>> WhoRefused(const AllowAnswer& answer) {
    std::vector<std::pair<size_t, Reason>> refused;
    for (const Refused& one : answer.refused) {
      refused.emplace_back(one.index, one.decision.reason);
    }
    return refused;
  }
  void Force(absl::string_view breaker, bool drill = false) {
    const absl::Status set =
        engine_.SetOverride(breaker, {.mode = OverrideMode::kForcedOpen,
                                      .reason = "test",
                                      .actor = "ann",
                                      .expires = clock_.Now() + absl::Minutes(1),
                                      .drill = drill});
    ASSERT_TRUE(set.ok()) << set;
  }
};

TEST_F(FallbackTest, TheFirstThatGrantsIsTheAnswer) {
  const AllowAnswer answer = AllowAny();
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_EQ(answer.chosen, 0u);
  EXPECT_THAT(answer.refused, IsEmpty());
  EXPECT_FALSE(Exists(kHaiku));
}

TEST_F(FallbackTest, WhoRefusedBeforeIsNamedWithItsReason) {
  Trip(kSonnet);
  Force(kHaiku);
  const AllowAnswer answer = AllowAny();
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_EQ(answer.chosen, 2u);
  EXPECT_THAT(WhoRefused(answer),
              ElementsAre(Pair(0u, Reason::kOpen), Pair(1u, Reason::kForcedOpen)));
  EXPECT_EQ(answer.refused[0].decision.retry_after, absl::Seconds(30));
}

TEST_F(FallbackTest, TheOutcomeIsOfTheOneThatGranted) {
  Trip(kSonnet);
  const AllowAnswer answer = AllowAny();
  ASSERT_EQ(answer.chosen, 1u);
  EXPECT_EQ(Record(answer.permit.bytes(), Outcome::kSuccess, kHaiku).counted, Counted::kCounted);
  EXPECT_EQ(Look(kHaiku).totals.successes, 1u);
  ExpectError(engine_.Record(kSonnet, answer.permit.bytes(), {.client = "client"}).status(),
              absl::StatusCode::kInvalidArgument, "PERMIT_INVALID");
}

TEST_F(FallbackTest, NothingIsSpentOnThoseThatRefuse) {
  Policy policy;
  policy.retry_budget = {.retry_ratio = Share(), .min_retries_per_second = 1};
  policy.bulkhead.max_concurrent = 1;
  policy.rate_limit = {.rate = 5};
  SetPolicies({policy});
  Allow(kSonnet);  // Its only place.
  const Snapshot before = Look(kSonnet);
  const AllowAnswer answer = AllowAny({.attempt = 2});
  EXPECT_EQ(answer.chosen, 1u);
  const Snapshot after = Look(kSonnet);
  EXPECT_EQ(after.budget_balance, before.budget_balance);
  EXPECT_EQ(after.rate_limit->available, before.rate_limit->available);
  EXPECT_EQ(after.bulkhead->in_use, 1u);
}

TEST_F(FallbackTest, WhereAllRefuseTheAnswerIsThatOfTheFirst) {
  Trip(kSonnet);
  Force(kHaiku);
  Force(kQueue);
  const AllowAnswer answer = AllowAny();
  EXPECT_FALSE(answer.decision.allowed);
  EXPECT_EQ(answer.chosen, 0u);
  EXPECT_EQ(answer.decision.reason, Reason::kOpen);
  EXPECT_THAT(WhoRefused(answer),
              ElementsAre(Pair(0u, Reason::kOpen), Pair(1u, Reason::kForcedOpen),
                          Pair(2u, Reason::kForcedOpen)));
}

// Found out before anything is spent.
TEST_F(FallbackTest, ABadNameAnywhereIsAnError) {
  const absl::string_view chain[] = {kSonnet, "no spaces"};
  ExpectError(engine_.AllowAny(chain, {}, "client").status(), absl::StatusCode::kInvalidArgument,
              "BREAKER_NAME_INVALID", {"no spaces"});
  EXPECT_FALSE(Exists(kSonnet));
}

class KeyedFallbackTest : public FallbackTest {
 protected:
  KeyedFallbackTest() {
    Policy policy;
    policy.idempotency.ttl = absl::Minutes(1);
    SetPolicies({policy});
  }
};

// Or else the call would be made twice, by two dependencies.
TEST_F(KeyedFallbackTest, ADuplicateEndsTheChain) {
  const Question question{.idempotency_key = "order-7"};
  ASSERT_TRUE(AllowAny(question).decision.allowed);
  const AllowAnswer second = AllowAny(question);
  EXPECT_FALSE(second.decision.allowed);
  EXPECT_EQ(second.decision.reason, Reason::kDuplicate);
  EXPECT_FALSE(Exists(kHaiku));
}

TEST_F(KeyedFallbackTest, AKeyIsLookedForAtAllBeforeOneIsAsked) {
  const Question question{.idempotency_key = "order-7"};
  Trip(kSonnet);
  const AllowAnswer first = AllowAny(question);
  ASSERT_EQ(first.chosen, 1u);
  Record(first.permit.bytes(), Outcome::kSuccess, kHaiku);
  ASSERT_TRUE(engine_.Reset(kSonnet, {}).ok());
  const AllowAnswer second = AllowAny(question);
  EXPECT_EQ(second.decision.reason, Reason::kDuplicate);
  EXPECT_EQ(second.decision.first, IdempotencyKeys::Begun::kSucceeded);
  EXPECT_EQ(second.chosen, 1u);
  EXPECT_EQ(Look(kSonnet).idempotency->begun, 0u);
}

// Under SHADOW a duplicate passes, with fallbacks as without.
TEST_F(KeyedFallbackTest, UnderShadowADuplicatePasses) {
  const Question question{.idempotency_key = "order-7"};
  const absl::Status set =
      engine_.SetOverride(kSonnet, {.mode = OverrideMode::kShadow,
                                    .reason = "test",
                                    .actor = "ann",
                                    .expires = clock_.Now() + absl::Minutes(1)});
  ASSERT_TRUE(set.ok()) << set;
  ASSERT_TRUE(AllowAny(question).decision.allowed);
  const AllowAnswer second = AllowAny(question);
  EXPECT_TRUE(second.decision.allowed);
  EXPECT_TRUE(second.decision.shadow_denied);
  EXPECT_EQ(second.decision.reason, Reason::kDuplicate);
}

class FewBreakersTest : public FallbackTest {
 protected:
  FewBreakersTest() : FallbackTest({.max_breakers = 1}) {}
};

// Clients fail open on errors; a refusal must not become one because a fallback cannot be.
TEST_F(FewBreakersTest, AFallbackThatCannotBeMadeIsPassedOver) {
  Trip(kSonnet);
  const AllowAnswer answer = AllowAny();
  EXPECT_FALSE(answer.decision.allowed);
  EXPECT_EQ(answer.decision.reason, Reason::kOpen);
}

// What a drill is for.
TEST_F(FallbackTest, ADrillReportsWhichFallbacksWereGrantedInstead) {
  Force(kSonnet, /*drill=*/true);
  AllowAny();
  AllowAny();
  Force(kHaiku);
  AllowAny();
  ASSERT_TRUE(engine_.ClearOverride(kSonnet).ok());
  const std::vector<Event> events = engine_.events().Before(~uint64_t{0}, 1);
  ASSERT_EQ(events.size(), 1u);
  ASSERT_NE(events[0].drill_report, nullptr);
  EXPECT_EQ(events[0].drill_report->refused, 3u);
  EXPECT_THAT(events[0].drill_report->fallbacks,
              ElementsAre(Pair(std::string(kHaiku), 2u), Pair(std::string(kQueue), 1u)));
}

}  // namespace
}  // namespace fusebox
