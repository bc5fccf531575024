#include "server/metrics/reload_metrics.h"

#include <memory>

#include "absl/time/time.h"
#include "server/metrics/family.h"

namespace fusebox {

std::vector<prometheus::MetricFamily> ReloadMetrics::Collect() const {
  prometheus::MetricFamily reloads = CounterFamily(
      "fusebox_reloads_total",
      "How often changed files were read, the first time included, by whether what they said was "
      "taken or refused. Adds up over servers.");
  prometheus::MetricFamily failing = GaugeFamily(
      "fusebox_reload_failing",
      "1 while what files say is refused and what they said before is in force, else 0.");
  for (const WatchedFiles* files : files_) {
    const WatchedFiles::State state = files->state();
    AddCounter(reloads, {{"what", files->what()}, {"result", "taken"}},
               static_cast<double>(state.taken));
    AddCounter(reloads, {{"what", files->what()}, {"result", "refused"}},
               static_cast<double>(state.failed));
    AddGauge(failing, {{"what", files->what()}}, state.error.empty() ? 0 : 1);
  }
  std::vector<prometheus::MetricFamily> families;
  if (!files_.empty()) families = {std::move(reloads), std::move(failing)};
  if (const auto certificate = certificate_.Get().certificate; certificate != nullptr) {
    families.push_back(Gauge("fusebox_certificate_not_after_seconds",
                             "When the certificate of new connections expires, in seconds since "
                             "1970. Each server has its own.",
                             static_cast<double>(absl::ToUnixSeconds(certificate->not_after))));
  }
  return families;
}

}  // namespace fusebox
