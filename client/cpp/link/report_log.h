#ifndef FUSEBOX_CLIENT_CPP_LINK_REPORT_LOG_H_
#define FUSEBOX_CLIENT_CPP_LINK_REPORT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "core/tick.h"
#include "fusebox/v1/session.pb.h"

namespace fusebox::internal {

// The reports of a session that the server has not acknowledged, over all of its streams, so that
// each is applied once. Not thread-safe.
class ReportLog {
 public:
  // The protocol's: with so many a client sends none until one is acknowledged.
  static constexpr size_t kMaxKept = 64;

  bool IsFull() const { return kept_.size() >= kMaxKept; }

  // Gives it the next number, and keeps it. Not if it is full.
  void Add(v1::Report report);

  // The next one to be sent in this stream; null if there is none. It is sent then, at `now`.
  const v1::Report* Next(Tick now);
  bool HasNext() const { return sent_ < kept_.size(); }

  // Those up to this one are applied.
  void Acknowledge(uint64_t sequence);
  // A stream has begun that goes on with the session: those after `applied` are sent again.
  void Resume(uint64_t applied);
  // One that begins a new session: what was sent before may have been applied, and none may count
  // twice, so all are forgotten. Returns how many.
  size_t Restart();

  // When the oldest was sent that was sent in this stream and is not acknowledged.
  std::optional<Tick> WaitingSince() const;
  size_t size() const { return kept_.size(); }
  // Of all that are kept.
  size_t rows() const { return rows_; }

 private:
  std::deque<v1::Report> kept_;
  std::deque<Tick> sent_at_;  // Of the first `sent_` of them.
  size_t sent_ = 0;
  size_t rows_ = 0;
  uint64_t last_sequence_ = 0;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LINK_REPORT_LOG_H_
