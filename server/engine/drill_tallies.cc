#include "server/engine/drill_tallies.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace fusebox {
namespace {

constexpr size_t kMaxClients = 1000;  // That are counted, and
constexpr size_t kMaxReported = 100;  // that are reported.
constexpr size_t kMaxFallbacks = 1000;

using Counts = std::vector<std::pair<std::string, uint64_t>>;

// The most first.
Counts Ranked(const absl::flat_hash_map<std::string, uint64_t>& counts) {
  Counts ranked(counts.begin(), counts.end());
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return ranked;
}

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

void DrillTallies::CountFallback(const Override& drill, absl::string_view granted) {
  MutexLock lock(&mutex_);
  const auto found = tallies_.find(&drill);
  if (found == tallies_.end()) return;
  auto& fallbacks = found->second.fallbacks;
  const auto known = fallbacks.find(granted);
  if (known != fallbacks.end()) {
    ++known->second;
  } else if (fallbacks.size() < kMaxFallbacks) {
    fallbacks.emplace(granted, 1);
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
  report->clients = Ranked(tally.clients);
  report->fallbacks = Ranked(tally.fallbacks);
  if (report->fallbacks.size() > kMaxReported) report->fallbacks.resize(kMaxReported);
  for (; report->clients.size() > kMaxReported; report->clients.pop_back()) {
    report->refused_to_others += report->clients.back().second;
  }
  return report;
}

}  // namespace fusebox
