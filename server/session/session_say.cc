// What a session says to its client.
#include <algorithm>

#include "proto/convert/convert.h"
#include "server/session/session.h"

namespace fusebox {
namespace {

constexpr size_t kStatesAtOnce = 256;

// Who may call one breaker need not know for which others a policy is, nor who shares its budget.
v1::Policy PolicyForCallers(const RulingPolicy& ruling) {
  v1::Policy policy = ToProto(ruling.policy);
  policy.clear_match();
  policy.clear_shared_retry_budget();
  return policy;
}

uint32_t HedgeMicros(const Standing& standing) {
  constexpr absl::Duration kLongest = absl::Hours(1);  // The policy's.
  if (!standing.hedge_delay.has_value()) return 0;
  return static_cast<uint32_t>(
      absl::ToInt64Microseconds(std::min(*standing.hedge_delay, kLongest)));
}

}  // namespace

void Session::Answer(const std::function<void(v1::SessionResponse&)>& add) {
  bool wakes = false;
  {
    MutexLock lock(&mutex_);
    add(owed_);
    owes_ = true;
    wakes = std::exchange(silent_, false);
  }
  if (wakes) wake_();
}

void Session::Say(const v1::Welcome& welcome) {
  Answer([&](v1::SessionResponse& owed) { *owed.mutable_welcome() = welcome; });
}

void Session::Say(const v1::Pace& pace) {
  Answer([&](v1::SessionResponse& owed) { *owed.mutable_pace() = pace; });
}

void Session::Say(const v1::GoAway& go_away) {
  Answer([&](v1::SessionResponse& owed) { *owed.mutable_go_away() = go_away; });
}

bool Session::OwesAnswers() const {
  MutexLock lock(&mutex_);
  return owed_.permits_size() > 0 || owed_.refused_size() > 0;
}

size_t Session::unsaid() const {
  MutexLock lock(&mutex_);
  return changed_.size();
}

bool Session::Note(uint32_t handle) {
  MutexLock lock(&mutex_);
  return MarkChanged(handle);
}

// A tenth is no news: it moves all the time.
bool Session::Told::IsStill(const Told& now) const {
  if (ruling != now.ruling || epoch != now.epoch || revision != now.revision ||
      followers != now.followers || hurries != now.hurries) {
    return false;
  }
  if (hedge_micros == now.hedge_micros) return true;
  const double change = static_cast<double>(now.hedge_micros) / std::max(hedge_micros, 1u);
  return 0.9 < change && change < 1.1;
}

bool Session::MarkChanged(uint32_t handle) {
  const auto found = subscriptions_.find(handle);
  if (found == subscriptions_.end() || found->second.changed) return false;
  found->second.changed = true;
  changed_.push_back(handle);
  // Those that were unsubscribed since are still in it.
  if (changed_.size() > 2 * subscriptions_.size() + kStatesAtOnce) {
    std::erase_if(changed_, [this](uint32_t h) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return !subscriptions_.contains(h);
    });
  }
  return std::exchange(silent_, false);
}

std::optional<v1::SessionResponse> Session::Say() {
  while (true) {
    v1::SessionResponse response;
    std::vector<Look> looks;
    bool owed = false;
    {
      MutexLock lock(&mutex_);
      if (!owes_ && changed_.empty()) {
        silent_ = true;
        return std::nullopt;
      }
      owed = std::exchange(owes_, false);
      if (owed) owed_.Swap(&response);
      looks = TakeChanged();
    }
    ShowStates(looks, response);
    if (owed || response.states_size() > 0 || response.forgotten_size() > 0) return response;
  }
}

void Session::ShowStates(std::vector<Look>& looks, v1::SessionResponse& response) {
  for (Look& look : looks) ShowState(look, response);
  SessionCounts::Add(counts_.pushed_states, response.states_size());
  {
    MutexLock lock(&mutex_);
    for (Look& look : looks) {
      const auto found = subscriptions_.find(look.handle);
      if (found != subscriptions_.end()) found->second.told = std::move(look.told);
    }
  }
  for (const uint32_t handle : response.forgotten()) Unsubscribe(handle);
}

std::vector<Session::Look> Session::TakeChanged() {
  std::vector<Look> looks;
  const size_t count = std::min(changed_.size(), kStatesAtOnce);
  looks.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto found = subscriptions_.find(changed_[i]);
    if (found == subscriptions_.end()) continue;
    found->second.changed = false;
    looks.push_back({found->first, found->second.topic, found->second.told});
  }
  changed_.erase(changed_.begin(), changed_.begin() + static_cast<ptrdiff_t>(count));
  if (changed_.empty()) changed_.shrink_to_fit();
  return looks;
}

void Session::ShowState(Look& look, v1::SessionResponse& response) {
  Topic& topic = *look.topic;
  const absl::StatusOr<StandingView> view =
      engine_.StandingOf(topic.name(), topic.slot.load(std::memory_order_relaxed));
  if (!view.ok()) {
    response.add_forgotten(look.handle);
    return;
  }
  topic.slot.store(view->slot, std::memory_order_relaxed);
  const Standing& standing = view->standing;
  if (!standing.healthy) topic.NoteHealth(false, view->now);
  const Told now{.ruling = view->ruling,
                 .epoch = standing.epoch,
                 .revision = standing.revision,
                 .followers = std::max(topic.told_followers(), 1u),
                 .hedge_micros = HedgeMicros(standing),
                 .hurries = topic.hurries()};
  if (look.told.IsStill(now)) return;
  v1::BreakerState& state = *response.add_states();
  state = ToProto(standing);
  state.set_handle(look.handle);
  state.set_local_share(1.0 / now.followers);
  state.set_hurry(now.hurries);
  if (look.told.ruling != now.ruling) *state.mutable_policy() = PolicyForCallers(*now.ruling);
  look.told = now;
}

}  // namespace fusebox
