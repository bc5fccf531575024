// Many outcomes at once.
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "google/rpc/error_details.pb.h"
#include "server/errors/errors.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

constexpr char kId[] = "0123456789abcdef";

class BatchRecordTest : public RpcTest {
 protected:
  explicit BatchRecordTest(const EngineOptions& options = {}) : RpcTest(options) {}

  static v1::BatchRecordItem Item(v1::Outcome outcome, uint32_t count,
                                  absl::string_view breaker = "db/orders") {
    v1::BatchRecordItem item;
    item.set_breaker(std::string(breaker));
    item.set_outcome(outcome);
    item.set_count(count);
    return item;
  }
  static v1::BatchRecordItem WithPermit(v1::Outcome outcome, const std::string& permit,
                                        absl::string_view breaker = "db/orders") {
    v1::BatchRecordItem item = Item(outcome, 0, breaker);
    item.set_permit(permit);
    return item;
  }
  static v1::BatchRecordRequest Batch(const std::vector<v1::BatchRecordItem>& items,
                                      const std::string& id = kId) {
    v1::BatchRecordRequest batch;
    batch.set_batch_id(id);
    for (const v1::BatchRecordItem& item : items) *batch.add_items() = item;
    return batch;
  }

  v1::BatchRecordResponse Send(const v1::BatchRecordRequest& batch) {
    v1::BatchRecordResponse response;
    const grpc::Status status = TryBatch(batch, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.results_size(), batch.items_size());
    return response;
  }

  static std::string ReasonOf(const v1::BatchRecordResult& result) {
    google::rpc::ErrorInfo info;
    for (const google::protobuf::Any& detail : result.error().details()) detail.UnpackTo(&info);
    return info.reason();
  }
};

class FewBatchesTest : public BatchRecordTest {
 protected:
  FewBatchesTest() : BatchRecordTest({.max_breakers = 1, .max_batches = 2}) {}
};

// The largest batch, of items that are all refused in the same way, as many bytes as there can be.
class LargeAnswerTest : public BatchRecordTest {
 protected:
  LargeAnswerTest() : BatchRecordTest({.max_breakers = 1}) {}

  // What a client that was not told otherwise receives at most.
  static constexpr size_t kMaxReceived = 4 << 20;

  void ExpectFits(const v1::BatchRecordItem& item, absl::string_view reason) {
    const std::vector<v1::BatchRecordItem> items(BreakerService::kMaxBatchItems, item);
    const v1::BatchRecordResponse response = Send(Batch(items, absl::StrCat(kId, ++batches_)));
    ASSERT_EQ(response.results_size(), BreakerService::kMaxBatchItems);
    EXPECT_LT(response.ByteSizeLong(), kMaxReceived) << reason;
    const v1::BatchRecordResult& result = response.results(0);
    EXPECT_EQ(ReasonOf(result), reason);
    // The thing and its value, then the remedy, to its end.
    EXPECT_THAT(result.error().message(), ::testing::HasSubstr("; "));
    EXPECT_THAT(result.error().message(), ::testing::Not(::testing::EndsWith("...")));
  }

 private:
  int batches_ = 0;
};

class OneBreakerTest : public BatchRecordTest {
 protected:
  OneBreakerTest() : BatchRecordTest({.max_breakers = 1, .idle_ttl = absl::Seconds(10)}) {}
};

// A client that reports every few milliseconds sends rows, not calls.
TEST_F(BatchRecordTest, CountsEveryCallOfEveryItem) {
  const v1::BatchRecordResponse response = Send(Batch(
      {Item(v1::OUTCOME_SUCCESS, 90), Item(v1::OUTCOME_FAILURE, 3), Item(v1::OUTCOME_SUCCESS, 7)}));
  for (const v1::BatchRecordResult& result : response.results()) {
    EXPECT_FALSE(result.has_error());
    EXPECT_EQ(result.response().counted(), v1::COUNTED_COUNTED);
  }
  EXPECT_EQ(Get().window().calls(), 100u);
  EXPECT_EQ(Get().window().failures(), 3u);
}

// A batch is many calls, and many calls trip.
TEST_F(BatchRecordTest, AnItemMayTripItsBreaker) {
  const v1::BatchRecordResponse response =
      Send(Batch({Item(v1::OUTCOME_FAILURE, 1'000'000), Item(v1::OUTCOME_FAILURE, 1)}));
  EXPECT_EQ(response.results(0).response().state(), v1::STATE_OPEN);
  EXPECT_EQ(response.results(1).response().counted(), v1::COUNTED_NOT_COUNTED);
}

// An acknowledgement that was lost makes the client send again; nothing may count twice.
TEST_F(BatchRecordTest, ABatchThatIsSentAgainCountsNothingTwice) {
  const v1::AllowResponse granted = Allow();
  const v1::BatchRecordRequest batch =
      Batch({Item(v1::OUTCOME_FAILURE, 3), WithPermit(v1::OUTCOME_FAILURE, granted.permit()),
             Item(v1::OUTCOME_SUCCESS, 0, "db/users")});
  Send(batch);
  for (int i = 0; i < 3; ++i) {
    const v1::BatchRecordResponse response = Send(batch);
    for (const v1::BatchRecordResult& result : response.results()) {
      EXPECT_EQ(result.response().counted(), v1::COUNTED_REPEATED);
    }
  }
  EXPECT_EQ(Get("db/orders").window().failures(), 4u);
  EXPECT_EQ(Get("db/users").window().calls(), 1u);
}

// Who lost the acknowledgement learns from the repetition what it would have learned from the
// first.
TEST_F(BatchRecordTest, ARepetitionSaysWhereTheBreakerStands) {
  v1::BatchRecordItem raw = Item(v1::OUTCOME_UNSPECIFIED, 5);
  raw.set_http_status(503);
  const v1::RecordResponse first = Send(Batch({raw})).results(0).response();
  ASSERT_EQ(first.state(), v1::STATE_OPEN);
  v1::RecordResponse again = Send(Batch({raw})).results(0).response();
  EXPECT_EQ(again.counted(), v1::COUNTED_REPEATED);
  EXPECT_EQ(again.state(), v1::STATE_OPEN);
  EXPECT_EQ(again.epoch(), first.epoch());
  EXPECT_EQ(again.outcome(), v1::OUTCOME_FAILURE);

  Pass(absl::Seconds(30));
  again = Send(Batch({raw})).results(0).response();
  EXPECT_EQ(again.state(), v1::STATE_HALF_OPEN);
  EXPECT_GT(again.epoch(), first.epoch());
}

// The memory of a batch is promised for a minute, and bounded by it.
TEST_F(BatchRecordTest, ABatchIsRememberedForSixtySeconds) {
  const v1::BatchRecordRequest batch = Batch({Item(v1::OUTCOME_SUCCESS, 2)});
  Send(batch);
  Pass(absl::Seconds(59));
  EXPECT_EQ(Send(batch).results(0).response().counted(), v1::COUNTED_REPEATED);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Send(batch).results(0).response().counted(), v1::COUNTED_COUNTED);
}

// Another id is another batch.
TEST_F(BatchRecordTest, BatchesAreToldApartByTheirIds) {
  Send(Batch({Item(v1::OUTCOME_SUCCESS, 2)}, std::string(16, '\0')));
  Send(Batch({Item(v1::OUTCOME_SUCCESS, 2)}, std::string(17, '\0')));
  Send(Batch({Item(v1::OUTCOME_SUCCESS, 2)}, std::string(64, 'x')));
  // Random bits are seldom text.
  Send(Batch({Item(v1::OUTCOME_SUCCESS, 2)}, std::string(16, '\xff')));
  EXPECT_EQ(Get().window().calls(), 8u);
}

// Permits protect themselves, so their batches need no id.
TEST_F(BatchRecordTest, PermitsNeedNoBatchId) {
  const v1::AllowResponse granted = Allow();
  const v1::BatchRecordRequest batch =
      Batch({WithPermit(v1::OUTCOME_FAILURE, granted.permit())}, "");
  EXPECT_EQ(Send(batch).results(0).response().counted(), v1::COUNTED_COUNTED);
  EXPECT_EQ(Send(batch).results(0).response().counted(), v1::COUNTED_REPEATED);
  EXPECT_EQ(Get().window().calls(), 1u);
}

// Counts of another epoch say nothing about this one.
TEST_F(BatchRecordTest, CountsOfAnotherEpochAreLate) {
  const uint64_t epoch = Allow().epoch();
  v1::BatchRecordItem now = Item(v1::OUTCOME_FAILURE, 2), before = now;
  now.set_epoch(epoch);
  before.set_epoch(epoch - 1);
  const v1::BatchRecordResponse response = Send(Batch({now, before}));
  EXPECT_EQ(response.results(0).response().counted(), v1::COUNTED_COUNTED);
  EXPECT_EQ(response.results(1).response().counted(), v1::COUNTED_LATE);
  EXPECT_EQ(Get().window().calls(), 2u);
}

// One bad row of ten thousand must not lose the others.
TEST_F(BatchRecordTest, ABadItemFailsAlone) {
  const std::string permit = Allow().permit();
  v1::BatchRecordItem good = Item(v1::OUTCOME_SUCCESS, 1);
  v1::BatchRecordItem missing = good, both = good, slow = good, late = good;
  missing.clear_result();
  both.set_permit(permit);
  slow.mutable_latency()->set_seconds(-1);
  late.mutable_retry_after()->set_seconds(-1);
  const std::vector<std::pair<v1::BatchRecordItem, std::string>> bad = {
      {missing, "RESULT_MISSING"},
      {Item(static_cast<v1::Outcome>(99), 1), "RESULT_INVALID"},
      {both, "COUNT_INVALID"},
      {Item(v1::OUTCOME_FAILURE, 1'000'001), "COUNT_INVALID"},
      {slow, "LATENCY_INVALID"},
      {late, "RETRY_AFTER_INVALID"},
      {Item(v1::OUTCOME_FAILURE, 1, "bad name"), "BREAKER_NAME_INVALID"},
      {WithPermit(v1::OUTCOME_FAILURE, "x"), "PERMIT_INVALID"},
      {WithPermit(v1::OUTCOME_FAILURE, permit, "db/users"), "PERMIT_INVALID"}};
  std::vector<v1::BatchRecordItem> items = {good};
  for (const auto& [item, reason] : bad) items.insert(items.end(), {item, good});

  const v1::BatchRecordResponse first = Send(Batch(items)), again = Send(Batch(items));
  for (size_t i = 0; i < bad.size(); ++i) {
    for (const v1::BatchRecordResponse& response : {first, again}) {
      const v1::BatchRecordResult& result = response.results(static_cast<int>(2 * i + 1));
      EXPECT_EQ(ReasonOf(result), bad[i].second);
      EXPECT_EQ(result.error().code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
      EXPECT_FALSE(result.has_response());
    }
  }
  EXPECT_EQ(Get().window().calls(), bad.size() + 1);
  EXPECT_EQ(Get().window().failures(), 0u);
  EXPECT_EQ(Info().breakers(), 1u);
}

// The largest batch, of which each item is one call.
TEST_F(BatchRecordTest, TakesAsManyItemsAsItSays) {
  const std::vector<v1::BatchRecordItem> items(BreakerService::kMaxBatchItems,
                                               Item(v1::OUTCOME_SUCCESS, 0));
  Send(Batch(items, ""));
  EXPECT_EQ(Get().window().calls(), 10'000u);
}

// Nothing to say is no mistake.
TEST_F(BatchRecordTest, AnEmptyBatchIsFine) {
  EXPECT_EQ(Send(Batch({}, "")).results_size(), 0);
  EXPECT_EQ(Send(Batch({})).results_size(), 0);
}

// A client that gave up on the first copy and sends a second one while the first is being counted.
TEST_F(BatchRecordTest, ARepetitionOfARunningBatchIsRefusedAndNothingIsCounted) {
  ASSERT_TRUE(*engine_.RememberBatch(kId));
  const RpcError error = ErrorOf(TryBatch(Batch({Item(v1::OUTCOME_SUCCESS, 3)})));
  EXPECT_EQ(error.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(error.reason, "BATCH_RUNNING");
  EXPECT_TRUE(error.may_retry);
  EXPECT_EQ(engine_.breakers(), 0u);
}

// A bound that is reached is told with its flag; what is not remembered is not counted.
TEST_F(FewBatchesTest, RefusesBatchesThatItCannotRemember) {
  for (int i = 0; i < 2; ++i) {
    Send(Batch({Item(v1::OUTCOME_SUCCESS, 1)}, absl::StrCat(kId, i)));
  }
  const RpcError error =
      ErrorOf(TryBatch(Batch({Item(v1::OUTCOME_SUCCESS, 1)}, absl::StrCat(kId, 2))));
  EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, "TOO_MANY_BATCHES");
  EXPECT_TRUE(error.may_retry);
  EXPECT_THAT(error.message, ::testing::HasSubstr("--max-batches"));
  EXPECT_EQ(Get().window().calls(), 2u);
}

// Overload of one kind fails the item that meets it, with the code that says so.
TEST_F(FewBatchesTest, AnItemThatIsOneBreakerTooManyFailsAlone) {
  const v1::BatchRecordResponse response =
      Send(Batch({Item(v1::OUTCOME_SUCCESS, 1), Item(v1::OUTCOME_SUCCESS, 1, "db/users")}));
  EXPECT_FALSE(response.results(0).has_error());
  EXPECT_EQ(response.results(1).error().code(),
            static_cast<int>(grpc::StatusCode::RESOURCE_EXHAUSTED));
  EXPECT_EQ(ReasonOf(response.results(1)), "TOO_MANY_BREAKERS");
}

// An answer that does not reach its client leaves it not knowing what was counted.
TEST_F(LargeAnswerTest, FitsHoweverLongTheNamesThatAreRefused) {
  ExpectFits(Item(v1::OUTCOME_SUCCESS, 0, std::string(300, '\x01')), "BREAKER_NAME_INVALID");
  ExpectFits(Item(v1::OUTCOME_SUCCESS, 0, std::string(256, '\x01')), "BREAKER_NAME_INVALID");
  ExpectFits(Item(v1::OUTCOME_SUCCESS, 0, std::string(256, '/')), "BREAKER_NAME_INVALID");
  Allow("db/orders");  // The only one for which there is room.
  ExpectFits(Item(v1::OUTCOME_SUCCESS, 0, std::string(256, 'x')), "TOO_MANY_BREAKERS");
}

// Nor does it matter what else is wrong with every item.
TEST_F(LargeAnswerTest, FitsWhateverIsRefused) {
  constexpr int64_t kLongest = 315'576'000'000;  // Seconds, of a Duration.
  const v1::BatchRecordItem good = Item(v1::OUTCOME_SUCCESS, 0);
  v1::BatchRecordItem item = good;
  item.clear_result();
  ExpectFits(item, "RESULT_MISSING");
  item = Item(static_cast<v1::Outcome>(std::numeric_limits<int>::min()), 0);
  ExpectFits(item, "RESULT_INVALID");
  item.set_http_status(std::numeric_limits<int>::min());
  ExpectFits(item, "RESULT_INVALID");
  item.set_grpc_code(std::numeric_limits<int>::min());
  ExpectFits(item, "RESULT_INVALID");
  ExpectFits(Item(v1::OUTCOME_SUCCESS, std::numeric_limits<uint32_t>::max()), "COUNT_INVALID");
  ExpectFits(WithPermit(v1::OUTCOME_SUCCESS, std::string(200, 'x')), "PERMIT_INVALID");
  item = WithPermit(v1::OUTCOME_SUCCESS, "x");
  item.set_count(1);
  ExpectFits(item, "COUNT_INVALID");
  item = good;
  item.mutable_latency()->set_seconds(-kLongest);
  item.mutable_latency()->set_nanos(-999'999'999);
  ExpectFits(item, "LATENCY_INVALID");
  item = good;
  item.mutable_retry_after()->set_seconds(-kLongest);
  item.mutable_retry_after()->set_nanos(-999'999'999);
  ExpectFits(item, "RETRY_AFTER_INVALID");
}

// What is promised of every item, also of errors that nobody thought of here.
TEST(ItemStatusTest, IsBoundedWhateverTheErrorSays) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kResourceExhausted}) {
    v1::BatchRecordResponse response;
    *response.add_results()->mutable_error() = ToItemStatus(MakeError(
        code, "A_REASON_OF_24_CHARACTERS", std::string(10'000, 'x'), "a_field_of_24_characters"));
    EXPECT_LE(response.ByteSizeLong() * BreakerService::kMaxBatchItems, size_t{4} << 20);
    EXPECT_LE(response.results(0).error().ByteSizeLong(), 410u);
    EXPECT_THAT(response.results(0).error().message(), ::testing::EndsWith("x..."));
  }
}

// It was not counted, so once there is room it is no repetition; neither is what else the batch
// says of the same breaker.
TEST_F(OneBreakerTest, WhatWasRefusedCountsWhenTheBatchIsSentAgain) {
  Allow("db/orders");
  const v1::BatchRecordRequest batch =
      Batch({Item(v1::OUTCOME_FAILURE, 2, "db/users"), Item(v1::OUTCOME_SUCCESS, 7, "db/users")});
  for (int i = 0; i < 2; ++i) {
    const v1::BatchRecordResponse response = Send(batch);
    for (const v1::BatchRecordResult& result : response.results()) {
      EXPECT_EQ(ReasonOf(result), "TOO_MANY_BREAKERS");
    }
  }

  for (int i = 0; i < 4; ++i) Pass(absl::Seconds(5));  // "db/orders" is forgotten.
  ASSERT_EQ(Info().breakers(), 0u);
  for (const v1::Counted counted : {v1::COUNTED_COUNTED, v1::COUNTED_REPEATED}) {
    const v1::BatchRecordResponse response = Send(batch);
    for (const v1::BatchRecordResult& result : response.results()) {
      EXPECT_EQ(result.response().counted(), counted);
    }
    EXPECT_EQ(Get("db/users").window().calls(), 9u);
    EXPECT_EQ(Get("db/users").window().failures(), 2u);
  }
}

}  // namespace
}  // namespace fusebox
