// What a session's client says.
#include "server/session/session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/bad_field.h"
#include "proto/convert/convert.h"
#include "server/errors/errors.h"

namespace fusebox {
namespace {

constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);
// Looked up together, so that the processor waits for all at once.
constexpr int kRowsAtOnce = 256;

absl::Status CheckLength(absl::string_view field, int length, int most) {
  if (length <= most) return absl::OkStatus();
  return BadField("MESSAGE_TOO_LARGE", field, absl::StrCat(length, " long"),
                  absl::StrCat("send at most ", most, ", and the rest with the next message"));
}

v1::AllowRequest AsAllowRequest(const v1::PermitRequest& request) {
  v1::AllowRequest allow;
  allow.set_attempt(request.attempt());
  allow.set_previous_outcome(request.previous_outcome());
  allow.set_hedge(request.hedge());
  return allow;
}

void AddPermit(const AllowAnswer& answer, v1::PermitResponse& response) {
  if (!answer.decision.allowed) {
    response.set_reason(ToProto(answer.decision.reason));
    *response.mutable_retry_after() = ToProto(answer.decision.retry_after);
    return;
  }
  response.add_permits(std::string(answer.permit.bytes()));
  if (answer.decision.lease > absl::ZeroDuration()) {
    *response.mutable_lease() = ToProto(answer.decision.lease);
  }
}

}  // namespace

Session::Session(Engine& engine, Topics& topics, SessionCounts& counts, size_t max_subscriptions,
                 SessionBook::Opened opened, Peer peer, std::function<void()> wake)
    : engine_(engine),
      topics_(topics),
      counts_(counts),
      max_subscriptions_(max_subscriptions),
      page_(std::move(opened.page)),
      owner_(opened.owner),
      peer_(std::move(peer)),
      wake_(std::move(wake)) {}

Session::~Session() {
  absl::flat_hash_map<uint32_t, Subscription> subscriptions;
  {
    MutexLock lock(&mutex_);
    subscriptions.swap(subscriptions_);
  }
  for (const auto& [handle, subscription] : subscriptions) {
    topics_.Leave(subscription.topic, *this);
  }
}

absl::Status Session::Take(const v1::SessionRequest& request) {
  if (request.has_hello()) {
    return BadField("HELLO_INVALID", "hello", "set again", "send it first, and only once");
  }
  absl::Status length = CheckLength("subscribe", request.subscribe_size(), kMaxSubscribe);
  length.Update(CheckLength("permits", request.permits_size(), kMaxPermitRequests));
  length.Update(CheckLength("report.tallies", request.report().tallies_size(), kMaxRows));
  length.Update(CheckLength("report.endings", request.report().endings_size(), kMaxRows));
  if (!length.ok()) return length;
  for (const v1::Subscription& subscription : request.subscribe()) {
    const absl::Status status = Subscribe(subscription);
    if (!status.ok()) return status;
  }
  if (request.has_report()) {
    const absl::Status status = TakeReport(request.report());
    if (!status.ok()) return status;
  }
  for (const v1::PermitRequest& permits : request.permits()) {
    const absl::Status status = Grant(permits);
    if (!status.ok()) return status;
  }
  for (const uint32_t handle : request.unsubscribe()) Unsubscribe(handle);
  return absl::OkStatus();
}

absl::Status Session::Subscribe(const v1::Subscription& subscription) {
  const uint32_t handle = subscription.handle();
  bool is_full = false;
  {
    MutexLock lock(&mutex_);
    is_full = subscriptions_.size() >= max_subscriptions_;
  }
  if (handle <= last_handle_) {
    return BadField("HANDLE_INVALID", "subscribe.handle",
                    absl::StrCat(handle, " after ", last_handle_), "use greater ones each time");
  }
  last_handle_ = handle;
  const absl::Status joined = is_full ? TooManySubscriptions() : Join(subscription);
  if (joined.ok()) return joined;
  Answer([&](v1::SessionResponse& owed) {
    v1::RefusedSubscription& refused = *owed.add_refused();
    refused.set_handle(handle);
    *refused.mutable_error() = ToItemStatus(joined);
  });
  return absl::OkStatus();
}

absl::Status Session::TooManySubscriptions() const {
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_SUBSCRIPTIONS",
                   absl::StrCat("all ", max_subscriptions_,
                                " subscriptions of the session are in use; unsubscribe from some "
                                "or raise --max-subscriptions"));
}

absl::Status Session::Join(const v1::Subscription& subscription) {
  absl::Status allowed = peer_.check(subscription.breaker());
  if (!allowed.ok()) return allowed;
  const absl::StatusOr<StandingView> view = engine_.Join(subscription.breaker());
  if (!view.ok()) return view.status();
  const uint32_t handle = subscription.handle();
  std::shared_ptr<Topic> topic = topics_.Join(subscription.breaker(), *this, handle);
  if (topic == nullptr) {
    return MakeError(absl::StatusCode::kAlreadyExists, "ALREADY_SUBSCRIBED",
                     absl::StrCat("\"", subscription.breaker(),
                                  "\" is subscribed by this session; use its handle"));
  }
  topic->slot.store(view->slot, std::memory_order_relaxed);
  bool wakes = false;
  {
    // Whatever changed meanwhile: it is looked up when it is said.
    MutexLock lock(&mutex_);
    subscriptions_[handle] = {.topic = topic};
    wakes = MarkChanged(handle);
  }
  if (wakes) wake_();
  return absl::OkStatus();
}

void Session::Unsubscribe(uint32_t handle) {
  std::shared_ptr<Topic> topic;
  {
    MutexLock lock(&mutex_);
    const auto found = subscriptions_.find(handle);
    if (found == subscriptions_.end()) return;
    topic = std::move(found->second.topic);
    subscriptions_.erase(found);
  }
  topics_.Leave(topic, *this);
}

absl::Status Session::TakeReport(const v1::Report& report) {
  if (report.sequence() == 0) {
    return BadField("SEQUENCE_INVALID", "report.sequence", "0", "number reports from 1");
  }
  const SessionPage::Claim claim = page_->ClaimReport(report.sequence(), owner_);
  if (claim == SessionPage::Claim::kGap) {
    return BadField("SEQUENCE_INVALID", "report.sequence",
                    absl::StrCat(report.sequence(), " after ", page_->applied()),
                    "number reports one by one");
  }
  // The stream that took over is the one to answer.
  if (claim == SessionPage::Claim::kNotOwner) return absl::OkStatus();
  if (claim == SessionPage::Claim::kRepeated) SessionCounts::Add(counts_.repeated_reports);
  if (claim == SessionPage::Claim::kApply) {
    Count(report);
    for (const v1::SessionEnding& ending : report.endings()) Record(ending);
  }
  Answer([&](v1::SessionResponse& owed) {
    owed.set_acknowledged(std::max(owed.acknowledged(), report.sequence()));
  });
  return absl::OkStatus();
}

void Session::Count(const v1::Report& report) {
  const bool is_window = report.window() && report.sequence() == 1;
  uint64_t counted = 0;
  for (int begin = 0; begin < report.tallies_size(); begin += kRowsAtOnce) {
    const int end = std::min(begin + kRowsAtOnce, report.tallies_size());
    const std::vector<std::shared_ptr<Topic>> topics = TopicsOf(report, begin, end);
    const Tick now = engine_.Now();
    for (int row = begin; row < end; ++row) {
      if (Count(topics[row - begin], report.tallies(row), is_window, now)) ++counted;
    }
  }
  SessionCounts::Add(counts_.rows, counted);
}

std::vector<std::shared_ptr<Topic>> Session::TopicsOf(const v1::Report& report, int begin,
                                                      int end) const {
  std::vector<std::shared_ptr<Topic>> topics(end - begin);
  MutexLock lock(&mutex_);
  for (int row = begin; row < end; ++row) {
    const auto found = subscriptions_.find(report.tallies(row).handle());
    if (found != subscriptions_.end()) topics[row - begin] = found->second.topic;
  }
  return topics;
}

bool Session::Count(const std::shared_ptr<Topic>& topic, const v1::Tally& message, bool is_window,
                    Tick now) {
  if (topic == nullptr) {
    SessionCounts::Add(counts_.lost_rows);
    return false;
  }
  absl::StatusOr<TallyRow> row = FromProto(message);
  // For core 0 is any epoch, which only a window may mean.
  if (!row.ok() || (row->epoch == 0 && !is_window)) {
    SessionCounts::Add(counts_.bad_rows);
    return false;
  }
  if (is_window) row->epoch = 0;
  const Slot slot = topic->slot.load(std::memory_order_relaxed);
  const Engine::CountedTally counted =
      engine_.Count(topic->name(), slot, row->View(peer_.client), now);
  if (counted.slot != slot) topic->slot.store(counted.slot, std::memory_order_relaxed);
  // Where latencies are told, the time after which to hedge follows from them.
  const bool is_news = topic->NoteHealth(counted.healthy, now) ||
                       (!row->latency_samples.empty() && topic->IsTimeToLook(now));
  if (is_news) topics_.Publish(topic);
  return true;
}

void Session::Record(const v1::SessionEnding& message) {
  const std::shared_ptr<Topic> topic = TopicOf(message.handle());
  if (topic == nullptr) return SessionCounts::Add(counts_.lost_rows);
  absl::StatusOr<Ending> ending = FromProto(message.ending());
  const bool is_bad = !ending.ok() || message.ending().permit().empty();
  if (is_bad) return SessionCounts::Add(counts_.bad_rows);
  ending->client = peer_.client;
  const absl::StatusOr<Verdict> verdict =
      engine_.Record(topic->name(), message.ending().permit(), *ending);
  SessionCounts::Add(verdict.ok() ? counts_.rows : counts_.bad_rows);
}

absl::Status Session::Grant(const v1::PermitRequest& request) {
  if (request.count() < 1 || request.count() > kMaxPermits) {
    return BadField("COUNT_INVALID", "permits.count", absl::StrCat(request.count()),
                    absl::StrCat("ask for 1 to ", kMaxPermits));
  }
  const absl::StatusOr<Question> question = FromProto(AsAllowRequest(request));
  if (!question.ok()) return question.status();
  v1::PermitResponse response;
  response.set_handle(request.handle());
  const std::shared_ptr<Topic> topic = TopicOf(request.handle());
  bool granted = topic != nullptr;
  while (granted && static_cast<uint32_t>(response.permits_size()) < request.count()) {
    const absl::StatusOr<AllowAnswer> answer =
        engine_.Allow(topic->name(), *question, peer_.client);
    granted = answer.ok() && answer->decision.allowed;
    if (answer.ok()) AddPermit(*answer, response);
  }
  // No breaker, or no room for it: there is no reason of its own.
  if (!granted && response.reason() == v1::REASON_UNSPECIFIED) {
    *response.mutable_retry_after() = ToProto(kAskAgainAfter);
  }
  SessionCounts::Add(counts_.permits, response.permits_size());
  Answer([&](v1::SessionResponse& owed) { *owed.add_permits() = std::move(response); });
  return absl::OkStatus();
}

std::shared_ptr<Topic> Session::TopicOf(uint32_t handle) const {
  MutexLock lock(&mutex_);
  const auto found = subscriptions_.find(handle);
  return found == subscriptions_.end() ? nullptr : found->second.topic;
}

}  // namespace fusebox
