// Recorded traces (see record.py): what advice that learns saves and costs in them.
//
// Each is replayed under sixteen seeds, which say who explores; what must hold, holds for the
// worst. Policy and estimate were fixed before the traces were recorded, and are not tuned to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "core/retry_traces/replay.h"

namespace fusebox {
namespace {

class RecordedTraceTest : public ::testing::Test {
 protected:
  void Load(const std::string& name) {
    const Trace trace = ReadTrace(absl::StrCat(FUSEBOX_RETRY_TRACES, "/", name, ".csv"));
    ASSERT_GT(trace.size(), 1'500u) << name;
    std::vector<Comparison> all;
    for (uint64_t seed = 1; seed <= 16; ++seed) all.push_back(Compare(trace, seed));
    least_saved_ = *std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.useless_saved() < b.useless_saved();
    });
    most_lost_ = *std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.useful_lost() < b.useful_lost();
    });
    absl::PrintF(
        "%s, %d calls, the worst of 16: useless retries %d -> %d (%.1f %% saved), useful ones "
        "%d -> %d (%.1f %% lost)\n",
        name, trace.size(), least_saved_.fixed.useless, least_saved_.adaptive.useless,
        100 * least_saved_.useless_saved(), most_lost_.fixed.useful, most_lost_.adaptive.useful,
        100 * most_lost_.useful_lost());
  }

  Comparison least_saved_;  // The seed that saves the least,
  Comparison most_lost_;    // and the one that loses the most.
};

// Forty seconds down, ten rough: most retries of it help nobody, and those that do are kept.
TEST_F(RecordedTraceTest, AnOutageIsSparedMostRetries) {
  Load("outage");
  EXPECT_GE(least_saved_.useless_saved(), 0.7);
  EXPECT_LE(most_lost_.useful_lost(), 0.05);
}

// One call in a hundred fails; and some thirty more timed out while the machine that recorded them
// stalled, twice for a second. Retries help, and chance must not stop them.
TEST_F(RecordedTraceTest, NoiseKeepsItsRetries) {
  Load("noise");
  EXPECT_LE(most_lost_.useful_lost(), 0.01);
}

// Three calls in ten fail: retries mostly help, and are kept as well.
TEST_F(RecordedTraceTest, ABrownOutKeepsItsRetries) {
  Load("brownout");
  EXPECT_LE(most_lost_.useful_lost(), 0.01);
}

}  // namespace
}  // namespace fusebox
