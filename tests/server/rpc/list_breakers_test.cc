// Looking at breakers, a page at a time.
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

class ListBreakersTest : public RpcTest {
 protected:
  ListBreakersTest() : RpcTest({.idle_ttl = absl::Minutes(1)}) {}

  // How often each was listed, from the first page to the last. `between` runs after each page.
  template <typename Between>
  std::map<std::string, int> ListAll(v1::ListBreakersRequest request, Between between) {
    std::map<std::string, int> listed;
    pages_ = 0;
    do {
      v1::ListBreakersResponse response;
      const grpc::Status status = TryList(request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_LE(response.breakers_size(), request.page_size() == 0 ? 100 : request.page_size());
      for (const v1::Breaker& breaker : response.breakers()) ++listed[breaker.name()];
      request.set_page_token(response.next_page_token());
      ++pages_;
      between();
    } while (!request.page_token().empty());
    return listed;
  }
  std::map<std::string, int> ListAll(const v1::ListBreakersRequest& request) {
    return ListAll(request, [] {});
  }

  void Make(absl::string_view prefix, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(engine_.Allow(absl::StrCat(prefix, i), {}, "").ok());
    }
  }

  int pages_ = 0;
};

// Nothing there is an answer.
TEST_F(ListBreakersTest, AnEmptyServerListsNothing) {
  EXPECT_TRUE(ListAll({}).empty());
  EXPECT_EQ(pages_, 1);
}

// Every breaker, each once, in pages of a hundred unless told otherwise.
TEST_F(ListBreakersTest, ListsEveryBreakerOnce) {
  Make("db/", 250);
  const std::map<std::string, int> listed = ListAll({});
  EXPECT_EQ(listed.size(), 250u);
  for (const auto& [name, times] : listed) EXPECT_EQ(times, 1) << name;
  EXPECT_EQ(pages_, 3);
}

// The whole of it fits into one page, and there is no empty one after it.
TEST_F(ListBreakersTest, TheLastPageHasNoToken) {
  Make("db/", 10);
  v1::ListBreakersRequest request;
  request.set_page_size(10);
  EXPECT_EQ(ListAll(request).size(), 10u);
  EXPECT_EQ(pages_, 1);
  request.set_page_size(1'000);
  EXPECT_EQ(ListAll(request).size(), 10u);
}

// A breaker that lives through the whole listing is listed exactly once, while others come and go
// and take each other's slots.
TEST_F(ListBreakersTest, WhatLivesThroughTheListingIsListedExactlyOnce) {
  Make("guest/", 50);
  Make("resident/", 100);
  Make("guest/", 100);
  v1::ListBreakersRequest request;
  request.set_page_size(7);
  int round = 0;
  const std::map<std::string, int> listed = ListAll(request, [this, &round] {
    ++round;
    Make("resident/", 100);
    Make(absl::StrCat("new", round, "/"), 5);
    for (int i = 0; i < 8; ++i) Pass(absl::Seconds(5));
  });
  EXPECT_GT(engine_.counters().Evicted(), 0u);
  int residents = 0;
  for (const auto& [name, times] : listed) {
    if (!absl::StartsWith(name, "resident/")) continue;
    ++residents;
    EXPECT_EQ(times, 1) << name;
  }
  EXPECT_EQ(residents, 100);
}

// Else where a page ends would tell what is hidden.
TEST_F(ListBreakersTest, WhatMayNotBeSeenIsPassedOverLikeWhatDoesNotMatch) {
  Make("hidden/", 3);
  Make("seen/", 2);
  const auto may_see = [](absl::string_view name) { return absl::StartsWith(name, "seen/"); };
  for (const size_t limit : {1u, 2u, 100u}) {
    for (const absl::string_view exists : {"hidden/1", "seen/1"}) {
      Slot cursor = 0;
      Slot cursor_of_nothing = 0;
      const size_t found = engine_.List(*Glob::Parse(exists), limit, cursor, may_see).size();
      EXPECT_TRUE(engine_.List(*Glob::Parse("no/such"), limit, cursor_of_nothing, may_see).empty());
      EXPECT_EQ(found, may_see(exists) ? 1u : 0u) << exists;
      if (!may_see(exists)) {
        EXPECT_EQ(cursor, cursor_of_nothing) << limit;
      }
    }
  }
  Slot cursor = 0;
  EXPECT_EQ(engine_.List(Glob::All(), 2, cursor, may_see).size(), 2u);
  EXPECT_TRUE(engine_.IsListed(cursor));
}

// People look for one team's breakers.
TEST_F(ListBreakersTest, FiltersByGlob) {
  Make("db/", 20);
  Make("cache/", 20);
  v1::ListBreakersRequest request;
  request.set_match("db/1*");
  request.set_page_size(3);
  EXPECT_EQ(ListAll(request).size(), 11u);
  request.set_match("nothing/**");
  EXPECT_TRUE(ListAll(request).empty());
}

// And for those that are in trouble.
TEST_F(ListBreakersTest, FiltersByState) {
  Make("db/", 5);
  Trip("db/1");
  Trip("db/2");
  Pass(absl::Seconds(30));
  Trip("db/3");
  v1::ListBreakersRequest request;
  request.add_states(v1::STATE_OPEN);
  EXPECT_THAT(ListAll(request), ::testing::ElementsAre(::testing::Pair("db/3", 1)));
  request.add_states(v1::STATE_HALF_OPEN);
  EXPECT_EQ(ListAll(request).size(), 3u);
  request.clear_states();
  request.add_states(v1::STATE_CLOSED);
  EXPECT_EQ(ListAll(request).size(), 2u);
}

// Naming a state again changes nothing, neither what is listed nor what it costs.
TEST_F(ListBreakersTest, AStateMayBeNamedOften) {
  Make("db/", 5);
  Trip("db/1");
  v1::ListBreakersRequest request;
  request.mutable_states()->Resize(100'000, v1::STATE_OPEN);
  EXPECT_THAT(ListAll(request), ::testing::ElementsAre(::testing::Pair("db/1", 1)));
  request.add_states(v1::STATE_CLOSED);
  EXPECT_EQ(ListAll(request).size(), 5u);
}

// A listed breaker says as much as a look at it.
TEST_F(ListBreakersTest, ShowsWhatGetBreakerShows) {
  Trip();
  v1::ListBreakersResponse response;
  ASSERT_TRUE(TryList({}, &response).ok());
  ASSERT_EQ(response.breakers_size(), 1);
  EXPECT_EQ(response.breakers(0).SerializeAsString(), Get().SerializeAsString());
}

// The bounds of a page.
TEST_F(ListBreakersTest, TakesPagesOfOneToAThousand) {
  Make("db/", 3);
  for (const int size : {1, 1'000}) {
    v1::ListBreakersRequest request;
    request.set_page_size(size);
    EXPECT_EQ(ListAll(request).size(), 3u);
  }
}

}  // namespace
}  // namespace fusebox
