#include "client/cpp/link/report_log.h"

#include <utility>

namespace fusebox::internal {

namespace {

size_t RowsOf(const v1::Report& report) {
  return static_cast<size_t>(report.tallies_size()) + static_cast<size_t>(report.endings_size());
}

}  // namespace

void ReportLog::Add(v1::Report report) {
  rows_ += RowsOf(report);
  report.set_sequence(++last_sequence_);
  kept_.push_back(std::move(report));
}

const v1::Report* ReportLog::Next(Tick now) {
  if (!HasNext()) return nullptr;
  sent_at_.push_back(now);
  return &kept_[sent_++];
}

void ReportLog::Acknowledge(uint64_t sequence) {
  while (!kept_.empty() && kept_.front().sequence() <= sequence) {
    rows_ -= RowsOf(kept_.front());
    kept_.pop_front();
    if (sent_ == 0) continue;
    sent_at_.pop_front();
    --sent_;
  }
}

void ReportLog::Resume(uint64_t applied) {
  Acknowledge(applied);
  sent_ = 0;
  sent_at_.clear();
}

size_t ReportLog::Restart() {
  const size_t forgotten = kept_.size();
  kept_.clear();
  rows_ = 0;
  sent_at_.clear();
  sent_ = 0;
  last_sequence_ = 0;
  return forgotten;
}

std::optional<Tick> ReportLog::WaitingSince() const {
  if (sent_at_.empty()) return std::nullopt;
  return sent_at_.front();
}

}  // namespace fusebox::internal
