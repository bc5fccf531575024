#include "server/session/session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "server/errors/errors.h"

namespace fusebox {
namespace {

constexpr size_t kStatesAtOnce = 256;

absl::Status Invalid(absl::string_view reason, absl::string_view field, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message, field);
}

void Bump(SessionCounts::Cell& cell, uint64_t by = 1) {
  cell.fetch_add(by, std::memory_order_relaxed);
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
    topics_.Leave(subscription.topic, *this, handle);
  }
}

absl::Status Session::Take(const v1::SessionRequest& request) {
  if (request.has_hello()) {
    return Invalid("HELLO_MISSING", "hello", "hello came again; send it first, and only once");
  }
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
    if (handle == 0 || subscriptions_.contains(handle)) {
      return Invalid("HANDLE_INVALID", "subscribe.handle",
                     absl::StrCat("subscribe.handle is ", handle,
                                  "; use a number above 0 that was not used before"));
    }
    is_full = subscriptions_.size() >= max_subscriptions_;
  }
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
  bool doubled = false;
  const uint32_t handle = subscription.handle();
  std::shared_ptr<Topic> topic = topics_.Join(subscription.breaker(), *this, handle, doubled);
  topic->slot.store(view->slot, std::memory_order_relaxed);
  bool wakes = false;
  {
    // Whatever changed meanwhile: it is looked up when it is said.
    MutexLock lock(&mutex_);
    subscriptions_[handle] = {.topic = topic};
    wakes = MarkChanged(handle);
  }
  if (wakes) wake_();
  if (doubled) topic->Tell();
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
  topics_.Leave(topic, *this, handle);
}

absl::Status Session::TakeReport(const v1::Report& report) {
  if (report.tallies_size() > kMaxRows || report.endings_size() > kMaxRows) {
    return Invalid("REPORT_TOO_LARGE", "report",
                   absl::StrCat("the report has ", report.tallies_size(), " tallies and ",
                                report.endings_size(), " endings; send at most ", kMaxRows,
                                " of each, and the rest with the next"));
  }
  const SessionPage::Claim claim = page_->ClaimReport(report.sequence(), owner_);
  if (claim == SessionPage::Claim::kGap) {
    return Invalid("SEQUENCE_INVALID", "report.sequence",
                   absl::StrCat("report.sequence is ", report.sequence(), " after ",
                                page_->applied(), "; number reports one by one"));
  }
  // The stream that took over is the one to answer.
  if (claim == SessionPage::Claim::kNotOwner) return absl::OkStatus();
  if (claim == SessionPage::Claim::kRepeated) Bump(counts_.repeated_reports);
  if (claim == SessionPage::Claim::kApply) {
    const bool is_window = report.window() && report.sequence() == 1;
    for (const v1::Tally& tally : report.tallies()) Count(tally, is_window);
    for (const v1::SessionEnding& ending : report.endings()) Record(ending);
  }
  Answer([&](v1::SessionResponse& owed) {
    owed.set_acknowledged(std::max(owed.acknowledged(), report.sequence()));
  });
  return absl::OkStatus();
}

void Session::Count(const v1::Tally& message, bool is_window) {
  const std::shared_ptr<Topic> topic = TopicOf(message.handle());
  if (topic == nullptr) return Bump(counts_.lost_rows);
  absl::StatusOr<TallyRow> row = FromProto(message);
  if (!row.ok()) return Bump(counts_.bad_rows);
  if (is_window) row->epoch = 0;
  const Engine::CountedTally counted = engine_.Count(
      topic->name(), topic->slot.load(std::memory_order_relaxed), row->View(peer_.client));
  Bump(counts_.rows);
  topic->slot.store(counted.slot, std::memory_order_relaxed);
  if (topic->hurries.exchange(!counted.healthy, std::memory_order_relaxed) == counted.healthy) {
    topic->Tell();
  }
}

void Session::Record(const v1::SessionEnding& message) {
  const std::shared_ptr<Topic> topic = TopicOf(message.handle());
  if (topic == nullptr) return Bump(counts_.lost_rows);
  absl::StatusOr<Ending> ending = FromProto(message.ending());
  if (!ending.ok()) return Bump(counts_.bad_rows);
  ending->client = peer_.client;
  const absl::StatusOr<Verdict> verdict =
      engine_.Record(topic->name(), message.ending().permit(), *ending);
  Bump(verdict.ok() ? counts_.rows : counts_.bad_rows);
}

absl::Status Session::Grant(const v1::PermitRequest& request) {
  if (request.count() < 1 || request.count() > kMaxPermits) {
    return Invalid(
        "COUNT_INVALID", "permits.count",
        absl::StrCat("permits.count is ", request.count(), "; ask for 1 to ", kMaxPermits));
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
  Bump(counts_.permits, response.permits_size());
  Answer([&](v1::SessionResponse& owed) { *owed.add_permits() = std::move(response); });
  return absl::OkStatus();
}

std::shared_ptr<Topic> Session::TopicOf(uint32_t handle) const {
  MutexLock lock(&mutex_);
  const auto found = subscriptions_.find(handle);
  return found == subscriptions_.end() ? nullptr : found->second.topic;
}

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

bool Session::Note(uint32_t handle) {
  MutexLock lock(&mutex_);
  return MarkChanged(handle);
}

bool Session::MarkChanged(uint32_t handle) {
  const auto found = subscriptions_.find(handle);
  if (found == subscriptions_.end() || found->second.changed) return false;
  found->second.changed = true;
  changed_.push_back(handle);
  return std::exchange(silent_, false);
}

std::optional<v1::SessionResponse> Session::Say() {
  v1::SessionResponse response;
  std::vector<Look> looks;
  {
    MutexLock lock(&mutex_);
    if (!owes_ && changed_.empty()) {
      silent_ = true;
      return std::nullopt;
    }
    if (std::exchange(owes_, false)) owed_.Swap(&response);
    looks = TakeChanged();
  }
  for (Look& look : looks) ShowState(look, response);
  Bump(counts_.pushed_states, response.states_size());
  {
    MutexLock lock(&mutex_);
    for (Look& look : looks) {
      const auto found = subscriptions_.find(look.handle);
      if (found != subscriptions_.end()) found->second.told = std::move(look.told);
    }
  }
  for (const uint32_t handle : response.forgotten()) Unsubscribe(handle);
  return response;
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
  v1::BreakerState& state = *response.add_states();
  state = ToProto(view->standing);
  state.set_handle(look.handle);
  state.set_local_share(1.0 / static_cast<double>(std::max<size_t>(topic.followers(), 1)));
  if (look.told == view->ruling) return;
  *state.mutable_policy() = ToProto(view->ruling->policy);
  look.told = view->ruling;
}

}  // namespace fusebox
