// The page that Prometheus reads.
//
//   HttpRoute{.path = "/metrics", .handler = [&](const HttpRequest&) {
//     return HttpResponse{.content_type = kMetricsContentType,
//                         .body = RenderMetrics({&engine_metrics, &grpc_metrics,
//                         &process_metrics})};
//   }}
#ifndef FUSEBOX_SERVER_METRICS_RENDER_H_
#define FUSEBOX_SERVER_METRICS_RENDER_H_

#include <string>

#include "absl/types/span.h"
#include "prometheus/collectable.h"

namespace fusebox {

// Of the text format that RenderMetrics() writes.
inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Everything that the sources have to tell at this moment, in Prometheus' text format. No two
// sources may have a family of the same name. About 1 us of CPU per series.
std::string RenderMetrics(absl::Span<const prometheus::Collectable* const> sources);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_RENDER_H_
