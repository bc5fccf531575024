// What a client says to its server.
#include <algorithm>
#include <utility>

#include "client/cpp/link/session_link.h"
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

// How many of `most` fit into so many bytes; one in any case.
int FittingInto(size_t bytes, size_t each, int most) {
  return static_cast<int>(std::clamp<size_t>(bytes / each, 1, static_cast<size_t>(most)));
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

}  // namespace fusebox::internal
