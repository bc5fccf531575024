// What a client hears from its server, and what it knows of the session.
#include "client/cpp/link/session_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"

namespace fusebox::internal {
namespace {

// Until a server says how.
constexpr absl::Duration kReportInterval = absl::Milliseconds(500);
constexpr absl::Duration kHurryInterval = absl::Milliseconds(10);
constexpr absl::Duration kShortest = absl::Milliseconds(1);
constexpr absl::Duration kLongest = absl::Minutes(1);

absl::Status Broken(absl::string_view how) {
  return absl::InternalError(
      absl::StrCat("the server breaks the session protocol: ", how,
                   "; it may be newer than this library, which decides alone until it is not"));
}

// The policy of one breaker, which is pushed without the names that it is for. One that makes no
// sense to this library is none: the breaker goes on by the one before.
std::shared_ptr<const RulingPolicy> ReadPolicy(v1::Policy message) {
  constexpr absl::string_view kForAll = "default";
  if (message.name() != kForAll && message.match_size() == 0) message.add_match("**");
  std::vector<FieldError> errors;
  Policy policy = FromProto(message, errors);
  if (!errors.empty()) return nullptr;
  return std::make_shared<const RulingPolicy>(std::move(policy));
}

}  // namespace

SessionLink::SessionLink(Identity identity, const ClientClock& clock)
    : identity_(std::move(identity)),
      clock_(clock),
      report_interval_(kReportInterval),
      hurry_interval_(kHurryInterval) {}

void SessionLink::Add(std::shared_ptr<LocalBreaker> breaker) {
  MutexLock lock(mutex_);
  const uint32_t handle = ++last_handle_;
  entries_[handle] = {.breaker = std::move(breaker), .handle = handle};
  if (phase_ == Phase::kOpen) to_subscribe_.push_back(handle);
}

v1::SessionRequest SessionLink::Begin() {
  MutexLock lock(mutex_);
  phase_ = Phase::kGreeting;
  go_away_.reset();
  v1::SessionRequest request;
  v1::Hello& hello = *request.mutable_hello();
  hello.set_session_id(identity_.session_id);
  hello.set_client(identity_.client);
  hello.set_library(identity_.library);
  hello.set_server_life(server_life_);
  return request;
}

void SessionLink::Cut() {
  MutexLock lock(mutex_);
  phase_ = Phase::kCut;
  to_subscribe_.clear();
  wishes_.clear();
  gathering_ = false;
  for (auto& [handle, entry] : entries_) {
    if (entry.subscribed != Subscribed::kForgotten) entry.subscribed = Subscribed::kNotYet;
    entry.breaker->GoAlone();
  }
}

absl::Status SessionLink::Take(const v1::SessionResponse& response) {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kCut) return absl::OkStatus();
  last_heard_ = Now();
  if (response.has_welcome() != (phase_ == Phase::kGreeting)) {
    return Broken(response.has_welcome() ? "welcome comes twice"
                                         : "the first message has no welcome");
  }
  if (response.has_welcome()) {
    if (absl::Status status = Welcome(response.welcome()); !status.ok()) return status;
  }
  log_.Acknowledge(response.acknowledged());
  for (const v1::BreakerState& state : response.states()) Push(state);
  for (const v1::RefusedSubscription& refused : response.refused()) {
    LeaveAlone(refused.handle(), Subscribed::kRefused);
  }
  for (const uint32_t handle : response.forgotten()) LeaveAlone(handle, Subscribed::kForgotten);
  for (const v1::PermitResponse& permits : response.permits()) Lend(permits);
  if (response.has_pace()) SetPace(response.pace());
  if (response.has_go_away()) {
    go_away_ = std::clamp(FromProto(response.go_away().within()), absl::ZeroDuration(), kLongest);
  }
  return absl::OkStatus();
}

absl::Status SessionLink::Welcome(const v1::Welcome& welcome) {
  if (welcome.server_life().empty()) return Broken("welcome has no server_life");
  const bool is_same_life = welcome.server_life() == server_life_;
  if (is_same_life && welcome.resumed()) {
    log_.Resume(welcome.applied_sequence());
  } else {
    log_.Restart();
    tells_windows_ = !is_same_life && !server_life_.empty();
  }
  server_life_ = welcome.server_life();
  SetPace(welcome.pace());
  if (welcome.max_message_bytes() > 0) max_bytes_ = welcome.max_message_bytes();
  next_report_ = Now() + report_interval_;
  phase_ = Phase::kOpen;
  for (const auto& [handle, entry] : entries_) {
    if (entry.subscribed == Subscribed::kNotYet) to_subscribe_.push_back(handle);
  }
  return absl::OkStatus();
}

void SessionLink::SetPace(const v1::Pace& pace) {
  report_interval_ = std::clamp(FromProto(pace.report_interval()), kShortest, kLongest);
  hurry_interval_ = std::clamp(FromProto(pace.hurry_interval()), kShortest, report_interval_);
}

SessionLink::Entry* SessionLink::Find(uint32_t handle) {
  const auto found = entries_.find(handle);
  return found == entries_.end() ? nullptr : &found->second;
}

void SessionLink::Push(const v1::BreakerState& state) {
  Entry* const entry = Find(state.handle());
  if (entry == nullptr) return;
  entry->subscribed = Subscribed::kYes;
  std::shared_ptr<const RulingPolicy> policy =
      state.has_policy() ? ReadPolicy(state.policy()) : nullptr;
  const bool has_share = state.local_share() > 0 && state.local_share() <= 1;
  entry->breaker->Push(FromProto(state), std::move(policy), has_share ? state.local_share() : 1);
}

void SessionLink::Lend(const v1::PermitResponse& response) {
  Entry* const entry = Find(response.handle());
  if (entry == nullptr) return;
  entry->breaker->Lend({.permits = {response.permits().begin(), response.permits().end()},
                        .lease = std::max(FromProto(response.lease()), absl::ZeroDuration()),
                        .reason = FromProto(response.reason()),
                        .retry_after = FromProto(response.retry_after())});
}

void SessionLink::LeaveAlone(uint32_t handle, Subscribed why) {
  Entry* const entry = Find(handle);
  if (entry == nullptr) return;
  entry->subscribed = why;
  entry->breaker->GoAlone();
}

Tick SessionLink::Advance() {
  MutexLock lock(mutex_);
  const Tick now = Now();
  // Who is connected adds up when it reports.
  const bool adds_up = phase_ != Phase::kOpen && now >= next_report_;
  if (adds_up) next_report_ = now + report_interval_;
  Tick next = phase_ == Phase::kOpen ? Tick::Max() : next_report_;
  for (const auto& [handle, entry] : entries_) {
    if (adds_up || entry.breaker->next_deadline() <= now) entry.breaker->Advance();
    next = std::min(next, entry.breaker->next_deadline());
  }
  return next;
}

std::vector<SessionLink::Change> SessionLink::TakeChanges() {
  std::vector<Change> changes;
  MutexLock lock(mutex_);
  for (auto& [handle, entry] : entries_) {
    const State now = entry.breaker->state();
    if (now == entry.shown) continue;
    changes.push_back({entry.breaker, std::exchange(entry.shown, now), now});
  }
  return changes;
}

SessionLink::Stats SessionLink::GetStats() const {
  MutexLock lock(mutex_);
  Stats stats{.is_open = phase_ == Phase::kOpen,
              .last_heard = last_heard_,
              .unacknowledged_rows = log_.rows(),
              .breakers = entries_.size()};
  for (const auto& [handle, entry] : entries_) {
    stats.decisions += entry.breaker->decisions();
    if (entry.subscribed == Subscribed::kRefused) ++stats.refused_breakers;
  }
  return stats;
}

bool SessionLink::IsOpen() const {
  MutexLock lock(mutex_);
  return phase_ == Phase::kOpen;
}

bool SessionLink::KnowsAll() const {
  MutexLock lock(mutex_);
  return phase_ == Phase::kOpen && HeardOfAll();
}

bool SessionLink::HeardOfAll() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& entry) {
    return entry.second.subscribed != Subscribed::kNotYet;
  });
}

std::optional<Tick> SessionLink::WaitingSince() const {
  MutexLock lock(mutex_);
  return log_.WaitingSince();
}

std::optional<absl::Duration> SessionLink::TakeGoAway() {
  MutexLock lock(mutex_);
  return std::exchange(go_away_, std::nullopt);
}

void SessionLink::TellAll() {
  MutexLock lock(mutex_);
  flush_ = Flush::kDue;
}

bool SessionLink::IsAllTold() const {
  MutexLock lock(mutex_);
  return phase_ == Phase::kOpen && flush_ == Flush::kDone && endings_.empty() && log_.size() == 0;
}

}  // namespace fusebox::internal
