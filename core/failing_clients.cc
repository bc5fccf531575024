#include "core/failing_clients.h"

#include <algorithm>

namespace fusebox {

void FailingClients::Note(absl::string_view client, int64_t stamp, size_t quorum) {
  const auto known = std::find_if(failures_.begin(), failures_.end(),
                                  [client](const Failure& f) { return f.client == client; });
  if (known != failures_.end()) {
    known->stamp = stamp;
    std::rotate(known, known + 1, failures_.end());
  } else {
    failures_.push_back({std::string(client), stamp});
  }
  while (failures_.size() > quorum) failures_.erase(failures_.begin());
}

bool FailingClients::QuorumIsMet(const OutcomeWindow& window, Tick now, size_t quorum) const {
  if (quorum <= 1) return true;
  if (failures_.size() < quorum) return false;
  return window.Holds(failures_[failures_.size() - quorum].stamp, now);
}

std::vector<std::string> FailingClients::Names(const OutcomeWindow& window, Tick now) const {
  std::vector<std::string> names;
  for (const Failure& failure : failures_) {
    if (window.Holds(failure.stamp, now)) names.push_back(failure.client);
  }
  return names;
}

void FailingClients::MoveTo(const OutcomeWindow& to, const OutcomeWindow& from, Tick now) {
  std::erase_if(failures_, [&](const Failure& f) { return !from.Holds(f.stamp, now); });
  for (Failure& failure : failures_) failure.stamp = to.Stamp(now);
}

}  // namespace fusebox
