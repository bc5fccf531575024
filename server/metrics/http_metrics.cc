#include "server/metrics/http_metrics.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/metrics/family.h"

namespace fusebox {

std::vector<prometheus::MetricFamily> HttpMetrics::Collect() const {
  prometheus::MetricFamily requests = CounterFamily(
      "fusebox_http_requests_total",
      "Requests over HTTP by who was to answer, which is empty where nobody was, and by the status "
      "of the answer: 429 and 503 are of a server that has too much to do. Adds up over servers.");
  for (const auto& [ended, count] : counts_.answered()) {
    AddCounter(requests, {{"route", ended.first}, {"code", absl::StrCat(ended.second)}},
               static_cast<double>(count));
  }
  return {std::move(requests),
          Counter("fusebox_http_handshake_failures_total",
                  "TLS handshakes of the HTTP port that failed, without those of who went "
                  "without a word. Adds up over servers.",
                  static_cast<double>(counts_.failed_handshakes()))};
}

}  // namespace fusebox
