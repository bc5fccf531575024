#include "server/flusher/outage_decoder.h"

#include <memory>

#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

// So many that a thread is worth starting, and so few that threads have work until the end.
constexpr size_t kRowsAtOnce = 4'000;
// Reading is about as fast as this many decode.
constexpr size_t kDecoders = 4;

}  // namespace

void OutageDecoder::Add(absl::string_view breaker, absl::string_view row, const RecordTime& now) {
  if (!now_.has_value()) now_ = now;
  absl::StrAppend(&rows_.bytes, breaker, row);
  rows_.sizes.emplace_back(breaker.size(), row.size());
  if (rows_.sizes.size() == kRowsAtOnce) Begin();
}

void OutageDecoder::Begin() {
  if (decoding_.size() == kDecoders) Collect();
  const size_t bytes = rows_.bytes.size();
  const auto rows = std::make_shared<const Rows>(std::exchange(rows_, {}));
  const auto decode = [rows, this] { return Decode(*rows, *now_); };
  // Deferred, to this thread, where there may be no further thread.
  decoding_.push_back(std::async(std::launch::async | std::launch::deferred, decode));
  // The next ones are likely to be as many, and as long.
  rows_.bytes.reserve(bytes + bytes / 8);
  rows_.sizes.reserve(kRowsAtOnce);
}

absl::StatusOr<Outages> OutageDecoder::Finish() {
  absl::StatusOr<Part> rest = Part();
  if (!rows_.sizes.empty()) rest = Decode(rows_, *now_);
  while (!decoding_.empty()) Collect();
  if (!status_.ok()) return status_;
  if (!rest.ok()) return rest.status();
  if (!rest->empty()) outages_.push_back(*std::move(rest));
  return std::move(outages_);
}

absl::StatusOr<OutageDecoder::Part> OutageDecoder::Decode(const Rows& rows, const RecordTime& now) {
  Part outages;
  outages.reserve(rows.sizes.size());
  absl::string_view rest = rows.bytes;
  for (const auto& [name_size, row_size] : rows.sizes) {
    const absl::string_view name = rest.substr(0, name_size);
    absl::StatusOr<Outage> outage = DecodeOutage(rest.substr(name_size, row_size), now);
    if (!outage.ok()) return outage.status();
    outages.emplace_back(name, *std::move(outage));
    rest.remove_prefix(name_size + row_size);
  }
  return outages;
}

// What was handed over first, so that the order stays.
void OutageDecoder::Collect() {
  absl::StatusOr<Part> decoded = decoding_.front().get();
  decoding_.pop_front();
  if (decoded.ok()) {
    outages_.push_back(*std::move(decoded));
  } else {
    status_ = decoded.status();
  }
}

}  // namespace fusebox
