// A batch that is sent again counts once.
#include "server/engine/batch_memory.h"

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

constexpr Tick kStart = Tick::FromNanos(1'000'000'000'000);

// Networks repeat requests.
TEST(BatchMemoryTest, KnowsWhatItHasSeen) {
  BatchMemory memory(10);
  EXPECT_TRUE(*memory.Remember("a", kStart));
  memory.Finish("a");
  EXPECT_FALSE(*memory.Remember("a", kStart));
  EXPECT_TRUE(*memory.Remember("b", kStart));
  EXPECT_FALSE(*memory.Remember("a", kStart));
}

// What the first copy has yet to count, the second must neither count nor call counted.
TEST(BatchMemoryTest, RefusesARepetitionUntilTheFirstIsCounted) {
  BatchMemory memory(10);
  ASSERT_TRUE(*memory.Remember("a", kStart));
  ExpectError(memory.Remember("a", kStart).status(), absl::StatusCode::kUnavailable,
              "BATCH_RUNNING", {"batch_id"});
  memory.Finish("a");
  EXPECT_FALSE(*memory.Remember("a", kStart));
}

// It may take longer than it is remembered.
TEST(BatchMemoryTest, FinishingAForgottenBatchIsNothing) {
  BatchMemory memory(10);
  ASSERT_TRUE(*memory.Remember("a", kStart));
  ASSERT_TRUE(*memory.Remember("b", kStart + absl::Seconds(60)));
  memory.Finish("a");
  EXPECT_TRUE(*memory.Remember("a", kStart + absl::Seconds(60)));
}

// Sixty seconds are promised; not a nanosecond less.
TEST(BatchMemoryTest, RemembersForSixtySeconds) {
  BatchMemory memory(10);
  ASSERT_TRUE(*memory.Remember("a", kStart));
  memory.Finish("a");
  EXPECT_FALSE(*memory.Remember("a", kStart + (absl::Seconds(60) - absl::Nanoseconds(1))));
  EXPECT_TRUE(*memory.Remember("a", kStart + absl::Seconds(60)));
}

// A repetition does not make the memory last longer: the batch is as old as it is.
TEST(BatchMemoryTest, ARepetitionExtendsNothing) {
  BatchMemory memory(1);
  ASSERT_TRUE(*memory.Remember("a", kStart));
  memory.Finish("a");
  ASSERT_FALSE(*memory.Remember("a", kStart + absl::Seconds(59)));
  EXPECT_TRUE(*memory.Remember("b", kStart + absl::Seconds(60)));
}

// To forget an old batch would count it twice; to refuse a new one loses nothing.
TEST(BatchMemoryTest, RefusesNewBatchesRatherThanForgetOldOnes) {
  BatchMemory memory(2);
  ASSERT_TRUE(*memory.Remember("a", kStart));
  ASSERT_TRUE(*memory.Remember("b", kStart + absl::Seconds(1)));
  memory.Finish("a");
  ExpectError(memory.Remember("c", kStart + absl::Seconds(2)).status(),
              absl::StatusCode::kResourceExhausted, "TOO_MANY_BATCHES", {"all 2", "--max-batches"});
  EXPECT_FALSE(*memory.Remember("a", kStart + absl::Seconds(3)));
  EXPECT_TRUE(*memory.Remember("c", kStart + absl::Seconds(60)));
}

// Ids are bytes, not text.
TEST(BatchMemoryTest, TakesAnyBytes) {
  BatchMemory memory(10);
  const std::string zeros(16, '\0');
  std::string others = zeros;
  others.back() = '\xff';
  EXPECT_TRUE(*memory.Remember(zeros, kStart));
  memory.Finish(zeros);
  EXPECT_TRUE(*memory.Remember(others, kStart));
  EXPECT_FALSE(*memory.Remember(zeros, kStart));
}

// The engine remembers by its own clock.
TEST_F(EngineTest, RemembersBatchesByItsClock) {
  EXPECT_TRUE(*engine_.RememberBatch("a"));
  engine_.FinishBatch("a");
  EXPECT_FALSE(*engine_.RememberBatch("a"));
  clock_.Advance(absl::Seconds(60));
  EXPECT_TRUE(*engine_.RememberBatch("a"));
}

}  // namespace
}  // namespace fusebox
