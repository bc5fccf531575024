// Reading all transitions, each once.
#include "server/registry/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventReaderTest : public ::testing::Test {
 protected:
  void Append(uint64_t number) { log_.Append({"db/orders", {.number = number}}); }

  std::vector<uint64_t> Next(size_t limit = 100) {
    std::vector<uint64_t> numbers;
    const EventReader::Page page = reader_.Next(limit);
    for (const Event& event : page.events) numbers.push_back(event.transition.number);
    missed_ = page.missed;
    return numbers;
  }

  EventLog log_{8};
  EventReader reader_{log_};
  uint64_t missed_ = 0;
};

TEST_F(EventReaderTest, ReadsEachOnceAndInOrder) {
  Append(1);
  Append(2);
  EXPECT_THAT(Next(), ElementsAre(1, 2));
  EXPECT_THAT(Next(), IsEmpty());
  Append(3);
  EXPECT_THAT(Next(), ElementsAre(3));
  EXPECT_EQ(missed_, 0u);
}

// A flood is read in portions; nothing of it is dropped while the ring holds it.
TEST_F(EventReaderTest, GoesOnWhereTheLimitWas) {
  for (uint64_t number = 1; number <= 5; ++number) Append(number);
  EXPECT_THAT(Next(2), ElementsAre(1, 2));
  EXPECT_THAT(Next(2), ElementsAre(3, 4));
  EXPECT_THAT(Next(2), ElementsAre(5));
  EXPECT_EQ(missed_, 0u);
}

// Numbers are taken before events are appended: a later one may be there first.
TEST_F(EventReaderTest, WaitsForOneThatIsOnItsWay) {
  Append(1);
  Append(3);
  EXPECT_THAT(Next(), ElementsAre(1));
  EXPECT_EQ(missed_, 0u);
  Append(2);
  EXPECT_THAT(Next(), ElementsAre(2, 3));
  EXPECT_EQ(missed_, 0u);
}

// One that never comes must not hold up the rest for ever.
TEST_F(EventReaderTest, WaitsNoLongerThanUntilTheNextCall) {
  Append(2);
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_THAT(Next(), ElementsAre(2));
  EXPECT_EQ(missed_, 1u);
}

// Each gap is waited for, not only the first.
TEST_F(EventReaderTest, WaitsAnewForEachGap) {
  Append(2);
  Append(4);
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_THAT(Next(), ElementsAre(2));
  EXPECT_THAT(Next(), ElementsAre(4));
  EXPECT_EQ(missed_, 1u);
}

TEST_F(EventReaderTest, CountsWhatTheRingPushedOut) {
  for (uint64_t number = 1; number <= 20; ++number) Append(number);
  EXPECT_THAT(Next(), IsEmpty());
  EXPECT_THAT(Next(), ElementsAre(13, 14, 15, 16, 17, 18, 19, 20));
  EXPECT_EQ(missed_, 12u);
}

}  // namespace
}  // namespace fusebox
