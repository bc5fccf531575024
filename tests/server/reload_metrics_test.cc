#include "server/metrics/reload_metrics.h"

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

class ReloadMetricsTest : public ::testing::Test {
 protected:
  void Write(absl::string_view text) const { std::ofstream(path_) << text; }

  TemporaryDirectory folder_;
  const std::string path_ = absl::StrCat(folder_.path(), "/f");
  WatchedFiles files_{"identities", {path_}, [](const std::vector<std::string>& texts) {
                        if (texts.front() != "bad") return absl::OkStatus();
                        return absl::InvalidArgumentError("bad; write another");
                      }};
  LiveCertificate certificate_;
};

Exposition Read(const ReloadMetrics& metrics) {
  Exposition page(RenderMetrics({&metrics}));
  EXPECT_THAT(page.errors(), IsEmpty());
  return page;
}

TEST_F(ReloadMetricsTest, SaysHowReadingWent) {
  const ReloadMetrics metrics({&files_}, certificate_);
  Write("good");
  ASSERT_TRUE(files_.Reload().ok());
  EXPECT_EQ(Read(metrics).at("fusebox_reloads_total{result=taken,what=identities}"), 1);
  EXPECT_EQ(Read(metrics).at("fusebox_reloads_total{result=refused,what=identities}"), 0);
  EXPECT_EQ(Read(metrics).at("fusebox_reload_failing{what=identities}"), 0);
  Write("bad");
  ASSERT_TRUE(files_.Reload().ok());  // It is taken, or refused, at the second look.
  ASSERT_FALSE(files_.Reload().ok());
  EXPECT_EQ(Read(metrics).at("fusebox_reloads_total{result=refused,what=identities}"), 1);
  EXPECT_EQ(Read(metrics).at("fusebox_reload_failing{what=identities}"), 1);
  Write("good");
  ASSERT_TRUE(files_.Reload().ok());
  EXPECT_EQ(Read(metrics).at("fusebox_reload_failing{what=identities}"), 0);
}

TEST_F(ReloadMetricsTest, SaysWhenTheCertificateOfNewConnectionsExpires) {
  const ReloadMetrics metrics({}, certificate_);
  EXPECT_THAT(metrics.Collect(), IsEmpty());
  certificate_.Replace(
      {.chain = "", .key = "", .client_ca = "", .not_after = absl::FromUnixSeconds(2'000'000'000)});
  EXPECT_EQ(Read(metrics).at("fusebox_certificate_not_after_seconds"), 2'000'000'000);
}

}  // namespace
}  // namespace fusebox
