#include "server/metrics/error_counts.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/metrics/family.h"

namespace fusebox {
namespace {

static_assert(std::is_sorted(ErrorCounts::kReasons.begin(), ErrorCounts::kReasons.end()));

// As server/rpc writes it; empty if there is none.
std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status message;
  google::rpc::ErrorInfo info;
  if (!message.ParseFromString(status.error_details())) return "";
  for (const google::protobuf::Any& detail : message.details()) {
    if (detail.UnpackTo(&info) && info.domain() == "fusebox") return info.reason();
  }
  return "";
}

}  // namespace

void ErrorCounts::Count(const grpc::Status& status) {
  if (status.ok() || status.error_details().empty()) return;
  const std::string reason = ReasonOf(status);
  if (reason.empty()) return;
  size_t index = std::lower_bound(kReasons.begin(), kReasons.end(), reason) - kReasons.begin();
  if (index < kReasons.size() && kReasons[index] != reason) index = kReasons.size();
  counts_[index].fetch_add(1, std::memory_order_relaxed);
}

prometheus::MetricFamily ErrorCounts::Collect() const {
  prometheus::MetricFamily family = CounterFamily(
      "fusebox_errors_total",
      "Calls that ended with an error of Fusebox, by its reason. Items of a batch that fail alone "
      "are not among them. Adds up over servers.");
  for (size_t i = 0; i < counts_.size(); ++i) {
    const absl::string_view reason = i < kReasons.size() ? kReasons[i] : "other";
    AddCounter(family, {{"reason", std::string(reason)}},
               static_cast<double>(counts_[i].load(std::memory_order_relaxed)));
  }
  return family;
}

}  // namespace fusebox
