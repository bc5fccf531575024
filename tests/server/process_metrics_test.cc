#include "server/metrics/process_metrics.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Exposition Read(const ProcessMetrics& metrics) {
  Exposition page(RenderMetrics({&metrics}));
  EXPECT_THAT(page.errors(), IsEmpty());
  return page;
}

// A folder that looks like /proc of a process with a name that is hard to read over.
class ProcessMetricsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(absl::StrCat(proc_, "/self/fd"));
    for (const absl::string_view fd : {"0", "1", "7"}) Write(absl::StrCat("self/fd/", fd), "");
    Write("self/stat",
          "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 8 0 6000 123456789 512 "
          "18446744073709551615 1 1\n");
    Write("self/limits",
          "Limit                     Soft Limit           Hard Limit           Units     \n"
          "Max open files            1024                 524288               files     \n");
  }
  void TearDown() override { std::filesystem::remove_all(proc_); }

  void Write(absl::string_view name, absl::string_view text) const {
    std::ofstream(absl::StrCat(proc_, "/", name)) << text;
  }

  const std::string proc_ = absl::StrCat(::testing::TempDir(), "/proc-", getpid());
};

TEST_F(ProcessMetricsTest, ReadsWhatTheKernelSays) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const Exposition page = Read(ProcessMetrics(proc_, absl::FromUnixSeconds(1'700'000'000)));
  EXPECT_EQ(page.at("process_cpu_seconds_total"), 400 / ticks);
  EXPECT_EQ(page.at("process_start_time_seconds"), 1'700'000'000 + 6'000 / ticks);
  EXPECT_EQ(page.at("process_virtual_memory_bytes"), 123'456'789);
  EXPECT_EQ(page.at("process_resident_memory_bytes"),
            512 * static_cast<double>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(page.at("process_open_fds"), 3);
  EXPECT_EQ(page.at("process_max_fds"), 1'024);
}

TEST_F(ProcessMetricsTest, LeavesOutWhatItCannotRead) {
  Write("self/limits",
        "Max open files            unlimited            unlimited            files\n");
  std::filesystem::remove(absl::StrCat(proc_, "/self/stat"));
  const Exposition page = Read(ProcessMetrics(proc_));
  EXPECT_THAT(page.series(), ElementsAre(Pair("process_open_fds", 3)));
}

TEST_F(ProcessMetricsTest, KnowsThisProcess) {
  const Exposition page = Read(ProcessMetrics());
  EXPECT_GE(page.at("process_cpu_seconds_total"), 0);
  EXPECT_NEAR(page.at("process_start_time_seconds"),
              absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()), 3'600);
  EXPECT_GT(page.at("process_virtual_memory_bytes"), page.at("process_resident_memory_bytes"));
  EXPECT_GT(page.at("process_resident_memory_bytes"), 1'000'000);
  EXPECT_GE(page.at("process_open_fds"), 3);
  EXPECT_GT(page.at("process_max_fds"), 3);
}

}  // namespace
}  // namespace fusebox
