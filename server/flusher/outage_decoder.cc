#include "server/flusher/outage_decoder.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>

namespace fusebox {
namespace {

// So many that a thread is worth starting, and so few that threads have work until the end.
constexpr size_t kRowsAtOnce = 4'000;
// Reading is about as fast as this many decode.
constexpr size_t kMaxThreads = 4;

}  // namespace

void OutageDecoder::Add(absl::string_view breaker, absl::string_view row, const RecordTime& now) {
  now_ = &now;
  rows_.emplace_back(breaker, row);
  if (rows_.size() < kRowsAtOnce) return;
  if (decoding_.size() == kMaxThreads) Collect();
  decoding_.push_back(
      std::async(std::launch::async, Decode, std::exchange(rows_, {}), std::cref(now)));
}

absl::StatusOr<Outages> OutageDecoder::Finish() {
  absl::StatusOr<Outages> rest = Outages();
  if (!rows_.empty()) rest = Decode(std::move(rows_), *now_);
  while (!decoding_.empty()) Collect();
  if (!rest.ok()) return rest;
  if (!status_.ok()) return status_;
  std::move(rest->begin(), rest->end(), std::back_inserter(outages_));
  return std::move(outages_);
}

absl::StatusOr<Outages> OutageDecoder::Decode(Rows&& rows, const RecordTime& now) {
  Outages outages;
  outages.reserve(rows.size());
  for (auto& [breaker, row] : rows) {
    absl::StatusOr<Outage> outage = DecodeOutage(row, now);
    if (!outage.ok()) return outage.status();
    outages.emplace_back(std::move(breaker), *std::move(outage));
  }
  return outages;
}

// What was handed over first, so that the order stays.
void OutageDecoder::Collect() {
  absl::StatusOr<Outages> decoded = decoding_.front().get();
  decoding_.pop_front();
  if (!decoded.ok()) {
    status_ = decoded.status();
    return;
  }
  std::move(decoded->begin(), decoded->end(), std::back_inserter(outages_));
}

}  // namespace fusebox
