#include "server/session/sessions.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/convert.h"
#include "server/errors/errors.h"

namespace fusebox {
namespace {

constexpr size_t kIdSize = 16;
constexpr size_t kMaxLibrarySize = 64;

absl::Status Invalid(absl::string_view reason, absl::string_view field, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message, field);
}

// The life of a server as clients see it: opaque.
std::string LifeBytes(uint64_t life) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(life >> shift));
  return bytes;
}

}  // namespace

Sessions::Sessions(Engine& engine, const SessionOptions& options)
    : engine_(engine),
      options_(options),
      book_(options.max_sessions, options.resume_time),
      told_interval_(options.report_interval) {}

Sessions::~Sessions() { Stop(); }

absl::Status Sessions::CheckHello(const v1::Hello& hello, const Session::Peer& peer) const {
  if (hello.session_id().size() != kIdSize) {
    return Invalid("SESSION_ID_INVALID", "hello.session_id",
                   absl::StrCat("hello.session_id is ", hello.session_id().size(),
                                " bytes long; draw ", kIdSize, " random bytes"));
  }
  if (hello.library().size() > kMaxLibrarySize) {
    return Invalid("LIBRARY_INVALID", "hello.library",
                   absl::StrCat("hello.library is ", hello.library().size(),
                                " bytes long; use at most ", kMaxLibrarySize));
  }
  return CheckClientName(peer.client);
}

absl::StatusOr<Sessions::Begun> Sessions::Begin(const v1::Hello& hello, const std::string& caller,
                                                Session::Peer peer, Callbacks callbacks) {
  if (const absl::Status checked = CheckHello(hello, peer); !checked.ok()) return checked;
  const std::string life = LifeBytes(engine_.life());
  const bool resumes = hello.server_life() == life;
  absl::StatusOr<SessionBook::Opened> opened =
      book_.Open(hello.session_id(), caller, resumes, engine_.Now());
  if (!opened.ok()) return opened.status();
  Begun begun{.id = hello.session_id(), .owner = opened->owner};
  const SessionPage::Owner replaced = opened->replaced;
  v1::Welcome welcome;
  welcome.set_server_life(life);
  welcome.set_resumed(opened->resumed);
  welcome.set_applied_sequence(opened->applied);
  *welcome.mutable_pace() = PaceFor(book_.live());
  *welcome.mutable_resume_time() = ToProto(options_.resume_time);
  welcome.set_max_subscriptions(static_cast<uint32_t>(options_.max_subscriptions));
  welcome.set_max_rows(Session::kMaxRows);
  begun.session =
      std::make_shared<Session>(engine_, topics_, counts_, options_.max_subscriptions,
                                *std::move(opened), std::move(peer), std::move(callbacks.wake));
  begun.session->Say(welcome);
  std::function<void(const absl::Status&)> end_replaced;
  bool is_closed = false;
  {
    MutexLock lock(&mutex_);
    is_closed = closed_;
    if (const auto found = live_.find(replaced); found != live_.end()) {
      end_replaced = found->second.end;
    }
    if (!is_closed)
      live_[begun.owner] = {begun.session, std::move(callbacks.end), std::move(callbacks.recheck)};
  }
  if (end_replaced != nullptr) {
    end_replaced(MakeError(absl::StatusCode::kAborted, "SESSION_REPLACED",
                           "another stream goes on with this session"));
  }
  if (is_closed) {
    book_.Close(begun.id, begun.owner, engine_.Now());
    return DrainingError();
  }
  if (!was_used_.exchange(true)) WakeThread();
  TellPaceIfChanged();
  return begun;
}

void Sessions::Close(const Begun& begun) {
  book_.Close(begun.id, begun.owner, engine_.Now());
  {
    MutexLock lock(&mutex_);
    live_.erase(begun.owner);
  }
  TellPaceIfChanged();
}

v1::Pace Sessions::PaceFor(size_t sessions) const {
  // In steps of two, so that it is rarely told anew.
  absl::Duration interval = options_.report_interval;
  const absl::Duration needed =
      absl::Seconds(1) * static_cast<double>(sessions) / static_cast<double>(kReportsPerSecond);
  while (interval < needed) interval *= 2;
  v1::Pace pace;
  *pace.mutable_report_interval() = ToProto(interval);
  *pace.mutable_hurry_interval() = ToProto(kHurryInterval);
  return pace;
}

void Sessions::TellPaceIfChanged() {
  const v1::Pace pace = PaceFor(book_.live());
  std::vector<std::shared_ptr<Session>> sessions;
  {
    MutexLock lock(&mutex_);
    const absl::Duration interval = FromProto(pace.report_interval());
    if (interval == told_interval_) return;
    told_interval_ = interval;
    for (const auto& [owner, live] : live_) {
      if (auto session = live.session.lock()) sessions.push_back(std::move(session));
    }
  }
  for (const std::shared_ptr<Session>& session : sessions) session->Say(pace);
}

void Sessions::SendAway(absl::Duration within) {
  v1::GoAway go_away;
  *go_away.mutable_within() = ToProto(within);
  std::vector<std::shared_ptr<Session>> sessions;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    for (const auto& [owner, live] : live_) {
      if (auto session = live.session.lock()) sessions.push_back(std::move(session));
    }
  }
  for (const std::shared_ptr<Session>& session : sessions) session->Say(go_away);
}

void Sessions::Recheck() {
  std::vector<std::function<void()>> rechecks;
  {
    MutexLock lock(&mutex_);
    for (const auto& [owner, live] : live_) rechecks.push_back(live.recheck);
  }
  for (const auto& recheck : rechecks) recheck();
}

void Sessions::EndAll(const absl::Status& status) {
  std::vector<std::function<void(const absl::Status&)>> ends;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    for (const auto& [owner, live] : live_) ends.push_back(live.end);
  }
  for (const auto& end : ends) end(status);
}

void Sessions::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Sessions::Stop() {
  {
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    stops_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
  changed_.reset();
}

void Sessions::WakeThread() {
  {
    const std::lock_guard<std::mutex> lock(wake_mutex_);
    has_changes_ = true;
  }
  woken_.notify_all();
}

// Begins to watch with the first session.
void Sessions::Run() {
  while (true) {
    {
      std::unique_lock<std::mutex> lock(wake_mutex_);
      woken_.wait(lock, [this] { return has_changes_ || stops_; });
      if (stops_) return;
      has_changes_ = false;
    }
    while (TakeChanges()) {
    }
  }
}

// False if there is nothing more to tell.
bool Sessions::TakeChanges() {
  if (changed_ == nullptr) {
    changed_ = engine_.WatchAll([this] { WakeThread(); });
    // Whatever had changed before.
    for (const std::shared_ptr<Topic>& topic : topics_.All()) topic->Tell();
  }
  const absl::StatusOr<ChangedNames::Next> next = changed_->Take();
  if (!next.ok()) {
    changed_.reset();  // It lost sight of some: all are looked at again.
    return true;
  }
  if (!next->name.empty()) {
    if (const std::shared_ptr<Topic> topic = topics_.Find(next->name)) topic->Tell();
  }
  return !next->name.empty() || next->look_on;
}

}  // namespace fusebox
