// The last transitions of a server, by number.
#include "server/registry/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void Append(EventLog& log, uint64_t number) {
  log.Append({"db/orders", {.number = number, .epoch = 100 + number}});
}

std::vector<uint64_t> NumbersAfter(const EventLog& log, uint64_t number, size_t limit = 100) {
  std::vector<uint64_t> numbers;
  for (const Event& event : log.After(number, limit)) numbers.push_back(event.transition.number);
  return numbers;
}

std::vector<uint64_t> NumbersBefore(const EventLog& log, uint64_t number, size_t limit = 1'000) {
  std::vector<uint64_t> numbers;
  for (const Event& event : log.ReadBefore(number, limit)) {
    numbers.push_back(event.transition.number);
  }
  return numbers;
}

// A new server has no history to make up.
TEST(EventLogTest, StartsEmpty) {
  const EventLog log(4);
  EXPECT_EQ(log.last_number(), 0u);
  EXPECT_THAT(log.After(0, 100), IsEmpty());
  EXPECT_THAT(log.Before(~uint64_t{0}, 100), IsEmpty());
}

TEST(EventLogTest, SaysHowFullItIs) {
  EventLog log(4);
  EXPECT_EQ(log.capacity(), 4u);
  EXPECT_EQ(log.size(), 0u);
  for (uint64_t number = 1; number <= 3; ++number) Append(log, number);
  EXPECT_EQ(log.size(), 3u);
  for (uint64_t number = 4; number <= 9; ++number) Append(log, number);
  EXPECT_EQ(log.size(), 4u);
}

// Readers learn whose transition it was, and what it was.
TEST(EventLogTest, KeepsTheBreakerAndItsTransition) {
  EventLog log(4);
  log.Append({"db/orders", {.number = 1, .to = State::kOpen, .epoch = 7}});
  const std::vector<Event> events = log.After(0, 100);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].breaker, "db/orders");
  EXPECT_EQ(events[0].transition.to, State::kOpen);
  EXPECT_EQ(events[0].transition.epoch, 7u);
}

// A reader goes on from the last number it has seen.
TEST(EventLogTest, TellsWhatCameAfterANumber) {
  EventLog log(8);
  for (uint64_t number = 1; number <= 5; ++number) Append(log, number);
  EXPECT_THAT(NumbersAfter(log, 0), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(NumbersAfter(log, 3), ElementsAre(4, 5));
  EXPECT_THAT(NumbersAfter(log, 5), IsEmpty());
  EXPECT_THAT(NumbersAfter(log, 900), IsEmpty());
}

// A page of history is a bounded answer.
TEST(EventLogTest, TellsNoMoreThanTheLimit) {
  EventLog log(8);
  for (uint64_t number = 1; number <= 5; ++number) Append(log, number);
  EXPECT_THAT(NumbersAfter(log, 1, 2), ElementsAre(2, 3));
  EXPECT_THAT(NumbersAfter(log, 1, 0), IsEmpty());
}

// Memory is bounded: the newest push the oldest out.
TEST(EventLogTest, KeepsTheNewestOfMoreThanItHolds) {
  EventLog log(4);
  for (uint64_t number = 1; number <= 10; ++number) Append(log, number);
  EXPECT_EQ(log.last_number(), 10u);
  EXPECT_THAT(NumbersAfter(log, 0), ElementsAre(7, 8, 9, 10));
}

// Numbers are taken under the breakers' locks and arrive after, so two may swap places.
TEST(EventLogTest, PutsWhatArrivesOutOfOrderInOrder) {
  EventLog log(8);
  for (const uint64_t number : {2, 1, 4, 3}) Append(log, number);
  EXPECT_EQ(log.last_number(), 4u);
  EXPECT_THAT(NumbersAfter(log, 0), ElementsAre(1, 2, 3, 4));
}

// An event on its way leaves a gap, and a reader must not take an older event for it.
TEST(EventLogTest, LeavesOutAnEventThatIsStillOnItsWay) {
  EventLog log(4);
  for (const uint64_t number : {1, 2, 3, 4, 5, 7}) Append(log, number);
  EXPECT_THAT(NumbersAfter(log, 0), ElementsAre(4, 5, 7));
  Append(log, 6);
  EXPECT_THAT(NumbersAfter(log, 0), ElementsAre(4, 5, 6, 7));
}

// An event that a whole round has overtaken must not take the place of a newer one.
TEST(EventLogTest, DropsAnEventThatWasOvertakenByAWholeRound) {
  EventLog log(2);
  for (const uint64_t number : {3, 4, 1}) Append(log, number);
  EXPECT_THAT(NumbersAfter(log, 0), ElementsAre(3, 4));
}

// The history is shown from its end.
TEST(EventLogTest, TellsWhatCameBeforeANumberTheHighestFirst) {
  EventLog log(4);
  for (const uint64_t number : {1, 2, 3, 4, 5, 7}) Append(log, number);
  EXPECT_THAT(NumbersBefore(log, ~uint64_t{0}), ElementsAre(7, 5, 4));
  EXPECT_THAT(NumbersBefore(log, 7), ElementsAre(5, 4));
  EXPECT_THAT(NumbersBefore(log, 7, 1), ElementsAre(5));
  EXPECT_THAT(NumbersBefore(log, 4), IsEmpty());
  EXPECT_THAT(NumbersBefore(log, 0), IsEmpty());
}

// Readers let writers pass in between; nothing is told twice or left out for that.
TEST(EventLogTest, TellsALongHistoryWhole) {
  EventLog log(1'000);
  std::vector<uint64_t> all;
  for (uint64_t number = 1; number <= 1'500; ++number) {
    Append(log, number);
    if (number > 500) all.push_back(number);
  }
  EXPECT_EQ(NumbersAfter(log, 0, 5'000), all);
  EXPECT_EQ(NumbersAfter(log, 1'000, 300),
            std::vector<uint64_t>(all.begin() + 500, all.begin() + 800));
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(NumbersBefore(log, ~uint64_t{0}, 5'000), all);
  EXPECT_EQ(NumbersBefore(log, ~uint64_t{0}, 700),
            std::vector<uint64_t>(all.begin(), all.begin() + 700));
}

// A page is read without a lock: what it holds must not go while it is.
TEST(EventLogTest, WhatWasReadStaysWhenTheLogForgetsIt) {
  EventLog log(2);
  Append(log, 1);
  const EventList events = log.ReadAfter(0, 10);
  for (const uint64_t number : {2, 3, 4}) Append(log, number);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0]->breaker, "db/orders");
  EXPECT_EQ(events[0]->transition.number, 1u);
}

// Who reads costs no copy of an event.
TEST(EventLogTest, ReadersShareAnEvent) {
  EventLog log(2);
  Append(log, 1);
  EXPECT_EQ(log.ReadAfter(0, 10)[0], log.ReadBefore(2, 10)[0]);
}

// Under the thread sanitizer: whoever reads while others append sees whole events in order.
TEST(EventLogTest, ReadersAndWritersMayMeet) {
  constexpr uint64_t kEvents = 20'000;
  EventLog log(512);
  const std::jthread writer([&log] {
    for (uint64_t number = 1; number <= kEvents; ++number) Append(log, number);
  });
  for (uint64_t read = 0; read < kEvents;) {
    for (const Event& event : log.ReadAfter(read, 1'000)) {
      ASSERT_GT(event.transition.number, read);
      ASSERT_EQ(event.transition.epoch, 100 + event.transition.number);
      read = event.transition.number;
    }
  }
}

}  // namespace
}  // namespace fusebox
