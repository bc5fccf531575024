#include "server/metrics/http_metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http/request_counts.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(HttpMetricsTest, AreThereBeforeAnybodyAsks) {
  const RequestCounts counts;
  const HttpMetrics metrics(counts);
  const Exposition page(RenderMetrics({&metrics}));
  EXPECT_THAT(page.errors(), IsEmpty());
  EXPECT_THAT(page.series(),
              UnorderedElementsAre(Pair("fusebox_http_handshake_failures_total", 0)));
}

TEST(HttpMetricsTest, CountByRouteAndStatus) {
  RequestCounts counts;
  const HttpMetrics metrics(counts);
  counts.Answered("/metrics", 200);
  counts.Answered("/metrics", 200);
  counts.Answered("/metrics", 503);
  counts.Answered("", 404);
  counts.FailedHandshake();
  const Exposition page(RenderMetrics({&metrics}));
  EXPECT_THAT(page.errors(), IsEmpty());
  EXPECT_EQ(page.at("fusebox_http_requests_total{code=200,route=/metrics}"), 2);
  EXPECT_EQ(page.at("fusebox_http_requests_total{code=503,route=/metrics}"), 1);
  EXPECT_EQ(page.at("fusebox_http_requests_total{code=404,route=}"), 1);
  EXPECT_EQ(page.at("fusebox_http_handshake_failures_total"), 1);
}

}  // namespace
}  // namespace fusebox
