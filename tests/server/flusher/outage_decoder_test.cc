#include "server/flusher/outage_decoder.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

class OutageDecoderTest : public ::testing::Test {
 protected:
  std::string Row(uint32_t reopens) const {
    const Outage outage{.state = State::kOpen, .open_until = now_.anchor.tick, .reopens = reopens};
    return EncodeOutage(outage, "", now_);
  }

  const FakeClock clock_;
  const RecordTime now_ = RecordTime::Now(clock_);
  OutageDecoder decoder_;
};

// Fewer than a thread is started for, as many, and so many that threads are waited for.
TEST_F(OutageDecoderTest, DecodesAllInTheOrderOfTheirRows) {
  for (const uint32_t count : {0u, 1u, 3'999u, 4'000u, 50'001u}) {
    OutageDecoder decoder;
    for (uint32_t i = 0; i < count; ++i) decoder.Add(absl::StrCat("db/", i), Row(i), now_);
    const absl::StatusOr<Outages> outages = decoder.Finish();
    ASSERT_TRUE(outages.ok()) << outages.status();
    uint32_t next = 0;
    for (const auto& part : *outages) {
      ASSERT_FALSE(part.empty());
      for (const auto& [breaker, outage] : part) {
        ASSERT_EQ(breaker, absl::StrCat("db/", next));
        ASSERT_EQ(outage.reopens, next++);
      }
    }
    EXPECT_EQ(next, count);
  }
}

TEST_F(OutageDecoderTest, OneRowThatIsNoneIsAnErrorWhereverItStands) {
  for (const uint32_t bad : {0u, 5'000u, 29'999u}) {
    OutageDecoder decoder;
    for (uint32_t i = 0; i < 30'000; ++i) {
      decoder.Add(absl::StrCat("db/", i), i == bad ? "\xff\xff" : Row(i), now_);
    }
    const absl::Status status = decoder.Finish().status();
    EXPECT_EQ(ErrorReason(status), "STORE_CORRUPT") << status;
  }
}

// As where a row of another table makes no sense.
TEST_F(OutageDecoderTest, MayEndBeforeItHasFinished) {
  for (uint32_t i = 0; i < 10'000; ++i) decoder_.Add("db/orders", Row(i), now_);
}

}  // namespace
}  // namespace fusebox
