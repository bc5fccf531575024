#include "server/session/session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "server/errors/errors.h"

namespace fusebox {
namespace {

constexpr size_t kStatesAtOnce = 256;
constexpr absl::Duration kAskAgainAfter = absl::Seconds(1);
constexpr int kRowsAtOnce =
    256;  // Looked up together, so that the processor waits for all at once.

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

// Who may call one breaker need not know for which others a policy is, nor who shares its budget.
v1::Policy PolicyForCallers(const RulingPolicy& ruling) {
  v1::Policy policy = ToProto(ruling.policy);
  policy.clear_match();
  policy.clear_shared_retry_budget();
  return policy;
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
    return Invalid("HELLO_INVALID", "hello", "hello is set again; send it first, and only once");
  }
  if (request.subscribe_size() > kMaxSubscribe || request.permits_size() > kMaxPermitRequests) {
    return Invalid(
        "MESSAGE_TOO_LARGE", "subscribe",
        absl::StrCat("the message has ", request.subscribe_size(), " subscriptions and ",
                     request.permits_size(), " requests for permits; send at most ", kMaxSubscribe,
                     " and ", kMaxPermitRequests, ", and the rest with the next"));
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
    is_full = subscriptions_.size() >= max_subscriptions_;
  }
  if (handle <= last_handle_) {
    return Invalid("HANDLE_INVALID", "subscribe.handle",
                   absl::StrCat("subscribe.handle is ", handle, " after ", last_handle_,
                                "; use greater ones each time"));
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
  if (report.tallies_size() > kMaxRows || report.endings_size() > kMaxRows) {
    return Invalid("MESSAGE_TOO_LARGE", "report",
                   absl::StrCat("the report has ", report.tallies_size(), " tallies and ",
                                report.endings_size(), " endings; send at most ", kMaxRows,
                                " of each, and the rest with the next"));
  }
  if (report.sequence() == 0) {
    return Invalid("SEQUENCE_INVALID", "report.sequence",
                   "report.sequence is 0; number reports from 1");
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
  Bump(counts_.rows, counted);
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
    Bump(counts_.lost_rows);
    return false;
  }
  absl::StatusOr<TallyRow> row = FromProto(message);
  // For core 0 is any epoch, which only a window may mean.
  if (!row.ok() || (row->epoch == 0 && !is_window)) {
    Bump(counts_.bad_rows);
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
  if (topic == nullptr) return Bump(counts_.lost_rows);
  absl::StatusOr<Ending> ending = FromProto(message.ending());
  if (!ending.ok() || message.ending().permit().empty()) return Bump(counts_.bad_rows);
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
  // No breaker, or no room for it: there is no reason of its own.
  if (!granted && response.reason() == v1::REASON_UNSPECIFIED) {
    *response.mutable_retry_after() = ToProto(kAskAgainAfter);
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
  if (hedge_delay == now.hedge_delay) return true;
  return hedge_delay * 0.9 < now.hedge_delay && now.hedge_delay < hedge_delay * 1.1;
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
  Bump(counts_.pushed_states, response.states_size());
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
                 .hurries = topic.hurries(),
                 .hedge_delay = standing.hedge_delay.value_or(absl::InfiniteDuration())};
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
