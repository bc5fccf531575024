#include "client/cpp/link/session_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"

namespace fusebox::internal {
namespace {

// Of one message, or of one report, if the server takes messages that large.
constexpr int kMaxSubscribe = 1'000;
constexpr int kMaxRows = 1'000;
constexpr int kMaxWishes = 100;
// What one of them takes at most, in bytes: a subscription has a name of up to 256, an ending a
// permit, a wish two small numbers. A report has rows and endings.
constexpr size_t kSubscriptionBytes = 280;
constexpr size_t kRowBytes = 200;
constexpr size_t kEndingBytes = 200;

// Until a server says how.
constexpr absl::Duration kReportInterval = absl::Milliseconds(500);
constexpr absl::Duration kHurryInterval = absl::Milliseconds(10);
constexpr absl::Duration kShortest = absl::Milliseconds(1);
constexpr absl::Duration kLongest = absl::Minutes(1);

// How many of `most` fit into so many bytes; one in any case.
int FittingInto(size_t bytes, size_t each, int most) {
  return static_cast<int>(std::clamp<size_t>(bytes / each, 1, static_cast<size_t>(most)));
}

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

v1::SessionEnding ToMessage(LentEnding ending, uint32_t handle) {
  v1::SessionEnding message;
  message.set_handle(handle);
  v1::RecordRequest& record = *message.mutable_ending();
  record.set_permit(std::move(ending.permit));
  record.set_outcome(ToProto(ending.outcome));
  if (ending.latency.has_value()) *record.mutable_latency() = ToProto(*ending.latency);
  if (ending.retry_after.has_value()) *record.mutable_retry_after() = ToProto(*ending.retry_after);
  return message;
}

v1::PermitRequest ToMessage(const PermitWish& wish, uint32_t handle) {
  v1::PermitRequest message;
  message.set_handle(handle);
  message.set_count(wish.count);
  message.set_attempt(wish.kind.attempt);
  message.set_hedge(wish.kind.hedge);
  if (wish.kind.previous_failure.has_value()) {
    message.set_previous_outcome(ToProto(*wish.kind.previous_failure));
  }
  return message;
}

bool Hurries(const LocalBreaker& breaker) {
  return breaker.hurries() || breaker.is_asked_to_hurry();
}

void AddRow(const LedgerRow& row, uint32_t handle, v1::Report& report) {
  std::vector<Tally::Refusals> refusals;
  v1::Tally& message = *report.add_tallies();
  message = ToProto(row.View(refusals));
  message.set_handle(handle);
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

std::optional<v1::SessionRequest> SessionLink::Say() {
  MutexLock lock(mutex_);
  if (phase_ != Phase::kOpen) return std::nullopt;
  v1::SessionRequest request;
  SaySubscriptions(request);
  // Reports name handles, which the server must know.
  if (to_subscribe_.empty()) SayReport(Now(), request);
  SayWishes(request);
  const bool has_something =
      request.subscribe_size() > 0 || request.has_report() || request.permits_size() > 0;
  if (!has_something) return std::nullopt;
  return request;
}

void SessionLink::SaySubscriptions(v1::SessionRequest& request) {
  const int most = FittingInto(max_bytes_ / 2, kSubscriptionBytes, kMaxSubscribe);
  while (!to_subscribe_.empty() && request.subscribe_size() < most) {
    const Entry& entry = entries_.at(to_subscribe_.front());
    to_subscribe_.pop_front();
    v1::Subscription& subscription = *request.add_subscribe();
    subscription.set_handle(entry.handle);
    subscription.set_breaker(std::string(entry.breaker->name()));
  }
}

void SessionLink::SayReport(Tick now, v1::SessionRequest& request) {
  // What they counted is of some epoch.
  const bool waits = flush_ == Flush::kDue && !HeardOfAll();
  if (!log_.HasNext() && !log_.IsFull() && !waits) Gather(now);
  if (const v1::Report* const report = log_.Next(now)) *request.mutable_report() = *report;
}

void SessionLink::SayWishes(v1::SessionRequest& request) {
  while (!wishes_.empty() && request.permits_size() < kMaxWishes) {
    *request.add_permits() = std::move(wishes_.front());
    wishes_.pop_front();
  }
}

// A round visits all breakers or those that hurry; one report does not hold those of very many.
void SessionLink::Gather(Tick now) {
  if (std::exchange(tells_windows_, false)) return GatherWindows();
  if (!gathering_) {
    gathers_all_ = now >= next_report_ || flush_ == Flush::kDue;
    gathering_ = gathers_all_ || (AnyHurries() && now >= next_hurry_);
    gathered_ = 0;
    if (gathers_all_) next_report_ = now + report_interval_;
    if (gathering_) next_hurry_ = now + hurry_interval_;
    if (flush_ == Flush::kDue) flush_ = Flush::kUnderWay;
  }
  v1::Report report;
  std::vector<Entry*> gone;
  auto entry = gathering_ ? entries_.upper_bound(gathered_) : entries_.end();
  const int most = FittingInto(max_bytes_ / 4, kRowBytes, kMaxRows);
  for (; entry != entries_.end() && report.tallies_size() < most; ++entry) {
    gathered_ = entry->first;
    const Subscribed subscribed = entry->second.subscribed;
    if (subscribed == Subscribed::kYes) GatherFrom(entry->second, report);
    if (subscribed == Subscribed::kForgotten && gathers_all_) gone.push_back(&entry->second);
  }
  gathering_ = entry != entries_.end();
  if (!gathering_ && flush_ == Flush::kUnderWay) flush_ = Flush::kDone;
  for (Entry* const one : gone) ResubscribeIfUsed(*one);
  AddEndings(report);
  if (report.tallies_size() > 0 || report.endings_size() > 0) log_.Add(std::move(report));
}

void SessionLink::GatherFrom(Entry& entry, v1::Report& report) {
  if (!gathers_all_ && !Hurries(*entry.breaker)) return;
  if (flush_ == Flush::kUnderWay) entry.breaker->LayDown();
  LocalBreaker::News news = entry.breaker->TakeNews();
  for (const LedgerRow& row : news.rows) AddRow(row, entry.handle, report);
  for (LentEnding& ending : news.endings) {
    endings_.push_back(ToMessage(std::move(ending), entry.handle));
  }
  for (const PermitWish& wish : news.wishes) wishes_.push_back(ToMessage(wish, entry.handle));
}

void SessionLink::GatherWindows() {
  v1::Report report;
  report.set_window(true);
  const int most = FittingInto(max_bytes_ / 4, kRowBytes, kMaxRows);
  for (auto& [handle, entry] : entries_) {
    if (report.tallies_size() >= most) break;
    if (entry.subscribed == Subscribed::kForgotten) continue;
    if (const std::optional<LedgerRow> row = entry.breaker->TakeWindow()) {
      AddRow(*row, handle, report);
    }
  }
  if (report.tallies_size() > 0) log_.Add(std::move(report));
}

void SessionLink::AddEndings(v1::Report& report) {
  const int most = FittingInto(max_bytes_ / 4, kEndingBytes, kMaxRows);
  while (!endings_.empty() && report.endings_size() < most) {
    *report.add_endings() = std::move(endings_.front());
    endings_.pop_front();
  }
}

// The server has forgotten it because nobody used it.
void SessionLink::ResubscribeIfUsed(Entry& entry) {
  if (!entry.breaker->HasNews()) return;
  auto node = entries_.extract(entry.handle);
  node.key() = node.mapped().handle = ++last_handle_;
  node.mapped().subscribed = Subscribed::kNotYet;
  to_subscribe_.push_back(last_handle_);
  entries_.insert(std::move(node));
}

bool SessionLink::AnyHurries() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
    return entry.second.subscribed == Subscribed::kYes && Hurries(*entry.second.breaker);
  });
}

Tick SessionLink::NextSay() const {
  MutexLock lock(mutex_);
  if (phase_ != Phase::kOpen) return Tick::Max();
  if (!to_subscribe_.empty() || !wishes_.empty() || log_.HasNext()) return Tick();
  return log_.IsFull() ? Tick::Max() : NextReport();
}

Tick SessionLink::NextReport() const {
  // Until all are heard of, what is heard wakes.
  if (flush_ == Flush::kDue) return HeardOfAll() ? Tick() : Tick::Max();
  if (gathering_ || tells_windows_ || !endings_.empty()) return Tick();
  return AnyHurries() ? std::min(next_hurry_, next_report_) : next_report_;
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
  for (const auto& [handle, entry] : entries_) stats.decisions += entry.breaker->decisions();
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
