#ifndef FUSEBOX_SERVER_FLUSHER_OUTAGE_DECODER_H_
#define FUSEBOX_SERVER_FLUSHER_OUTAGE_DECODER_H_

#include <cstddef>
#include <deque>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/recovery.h"
#include "server/records/records.h"

namespace fusebox {

// Breakers with their outages, in parts; in the order of their rows.
using Outages = std::vector<std::vector<std::pair<std::string, Outage>>>;

// Decodes rows of outages, of which there may be as many as breakers, on other threads while more
// are being read.
//
//   OutageDecoder decoder;
//   for each row: decoder.Add(row.key, row.value, now);
//   const absl::StatusOr<Outages> outages = decoder.Finish();
//
// To be used by one thread.
class OutageDecoder {
 public:
  OutageDecoder() = default;
  OutageDecoder(const OutageDecoder&) = delete;
  OutageDecoder& operator=(const OutageDecoder&) = delete;

  // `now` is that of the first.
  void Add(absl::string_view breaker, absl::string_view row, const RecordTime& now);

  // All of them, or the error of one: DecodeOutage()'s. To be called once.
  absl::StatusOr<Outages> Finish();

 private:
  using Part = Outages::value_type;

  // Rows as they were read: all names and what they had, one after the other.
  struct Rows {
    std::string bytes = {};
    std::vector<std::pair<size_t, size_t>> sizes = {};  // Of a name, and of what it had.
  };

  static absl::StatusOr<Part> Decode(const Rows& rows, const RecordTime& now);
  void Begin();
  void Collect();

  std::optional<RecordTime> now_;  // Set before any thread is started, and not changed after.
  Rows rows_;                      // That are not being decoded yet.
  std::deque<std::future<absl::StatusOr<Part>>> decoding_;
  Outages outages_;
  absl::Status status_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FLUSHER_OUTAGE_DECODER_H_
