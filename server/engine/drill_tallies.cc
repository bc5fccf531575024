#include "server/engine/drill_tallies.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace fusebox {
namespace {

constexpr size_t kMaxClients = 1000;  // That are counted, and
constexpr size_t kMaxReported = 100;  // that are reported.

}  // namespace

void DrillTallies::Begin(std::shared_ptr<const Override> drill) {
  MutexLock lock(&mutex_);
  tallies_[drill.get()].drill = std::move(drill);
}

void DrillTallies::Count(const Override& drill, absl::string_view client) {
  MutexLock lock(&mutex_);
  const auto found = tallies_.find(&drill);
  if (found == tallies_.end()) return;
  Tally& tally = found->second;
  ++tally.refused;
  const auto known = tally.clients.find(client);
  if (known != tally.clients.end()) {
    ++known->second;
  } else if (tally.clients.size() < kMaxClients) {
    tally.clients.emplace(client, 1);
  } else {
    ++tally.refused_to_others;
  }
}

std::shared_ptr<const DrillReport> DrillTallies::End(const Override& drill, Tick now) {
  Tally tally;
  {
    MutexLock lock(&mutex_);
    const auto found = tallies_.find(&drill);
    if (found != tallies_.end()) {
      tally = std::move(found->second);
      tallies_.erase(found);
    }
  }
  auto report = std::make_shared<DrillReport>();
  report->lasted = now - drill.began;
  report->refused = tally.refused;
  report->refused_to_others = tally.refused_to_others;
  report->clients.assign(tally.clients.begin(), tally.clients.end());
  std::sort(report->clients.begin(), report->clients.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  for (; report->clients.size() > kMaxReported; report->clients.pop_back()) {
    report->refused_to_others += report->clients.back().second;
  }
  return report;
}

}  // namespace fusebox
