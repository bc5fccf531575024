#include "server/session/sessions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "proto/convert/bad_field.h"
#include "proto/convert/convert.h"
#include "server/errors/errors.h"

namespace fusebox {
namespace {

constexpr size_t kIdSize = 16;
constexpr size_t kMaxLibrarySize = 64;

// The life of a server as clients see it: opaque.
std::string LifeBytes(uint64_t life) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(life >> shift));
  return bytes;
}

// How often an interval has to be doubled that is `load` times too short. Slows down as soon as it
// is, and speeds up again once it is four times longer than needed, so that nobody who comes and
// goes has all others told of it.
int Slowed(int doublings, double load) {
  while (static_cast<double>(int64_t{1} << doublings) < load) ++doublings;
  while (doublings > 0 && static_cast<double>(int64_t{1} << doublings) >= 4 * load) --doublings;
  return doublings;
}

}  // namespace

Sessions::Sessions(Engine& engine, const SessionOptions& options)
    : engine_(engine), options_(options), book_(options.max_sessions, options.resume_time) {}

Sessions::~Sessions() { Stop(); }

absl::Status Sessions::CheckHello(const v1::Hello& hello, const Session::Peer& peer) const {
  if (hello.session_id().size() != kIdSize) {
    return BadField("SESSION_ID_INVALID", "hello.session_id",
                    absl::StrCat(hello.session_id().size(), " bytes long"),
                    absl::StrCat("draw ", kIdSize, " random bytes"));
  }
  if (hello.library().size() > kMaxLibrarySize) {
    return BadField("LIBRARY_INVALID", "hello.library",
                    absl::StrCat(hello.library().size(), " bytes long"),
                    absl::StrCat("use at most ", kMaxLibrarySize));
  }
  return CheckClientName(peer.client);
}

absl::StatusOr<Sessions::Begun> Sessions::Begin(const v1::Hello& hello, const std::string& caller,
                                                Session::Peer peer, Callbacks callbacks) {
  if (const absl::Status checked = CheckHello(hello, peer); !checked.ok()) return checked;
  const bool resumes = hello.server_life() == LifeBytes(engine_.life());
  Begun begun{.id = hello.session_id()};
  std::function<void(const absl::Status&)> end_replaced;
  {
    MutexLock lock(&mutex_);
    if (closed_) return DrainingError();
    absl::StatusOr<SessionBook::Opened> opened =
        book_.Open(hello.session_id(), caller, resumes, engine_.Now());
    if (!opened.ok()) return opened.status();
    if (const auto found = live_.find(opened->replaced); found != live_.end()) {
      end_replaced = found->second.end;
    }
    AdjustPace();
    const v1::Welcome welcome = MakeWelcome(*opened);
    begun.owner = opened->owner;
    begun.session =
        std::make_shared<Session>(engine_, topics_, counts_, options_.max_subscriptions,
                                  *std::move(opened), std::move(peer), std::move(callbacks.wake));
    begun.session->Say(welcome);
    live_[begun.owner] = {begun.session, std::move(callbacks.end), std::move(callbacks.recheck)};
  }
  if (end_replaced != nullptr) {
    end_replaced(MakeError(absl::StatusCode::kAborted, "SESSION_REPLACED",
                           "another stream goes on with this session"));
  }
  WakeThread();
  return begun;
}

v1::Welcome Sessions::MakeWelcome(const SessionBook::Opened& opened) {
  v1::Welcome welcome;
  welcome.set_server_life(LifeBytes(engine_.life()));
  welcome.set_resumed(opened.resumed);
  welcome.set_applied_sequence(opened.applied);
  *welcome.mutable_pace() = PaceNow();
  *welcome.mutable_resume_time() = ToProto(options_.resume_time);
  welcome.set_max_subscriptions(static_cast<uint32_t>(options_.max_subscriptions));
  welcome.set_max_rows(Session::kMaxRows);
  welcome.set_max_message_bytes(static_cast<uint32_t>(options_.max_message_bytes));
  return welcome;
}

void Sessions::Close(const Begun& begun) {
  {
    MutexLock lock(&mutex_);
    book_.Close(begun.id, begun.owner, engine_.Now());
    live_.erase(begun.owner);
    AdjustPace();
  }
  WakeThread();
}

void Sessions::AdjustPace() {
  const auto live = static_cast<double>(book_.live());
  const double reports_in_interval =
      static_cast<double>(kReportsPerSecond) * absl::ToDoubleSeconds(options_.report_interval);
  const Slowness now{.report = Slowed(slowness_.report, live / reports_in_interval),
                     .hurry = Slowed(slowness_.hurry, live / kSessionsInAHurry)};
  if (now == slowness_) return;
  slowness_ = now;
  tells_pace_ = true;
}

v1::Pace Sessions::PaceNow() const {
  const absl::Duration interval = options_.report_interval * (int64_t{1} << slowness_.report);
  const absl::Duration hurry = kHurryInterval * (int64_t{1} << slowness_.hurry);
  v1::Pace pace;
  *pace.mutable_report_interval() = ToProto(interval);
  *pace.mutable_hurry_interval() = ToProto(std::min(hurry, interval));
  return pace;
}

std::vector<std::shared_ptr<Session>> Sessions::LiveSessions() const {
  std::vector<std::shared_ptr<Session>> sessions;
  MutexLock lock(&mutex_);
  for (const auto& [owner, live] : live_) {
    if (auto session = live.session.lock()) sessions.push_back(std::move(session));
  }
  return sessions;
}

void Sessions::TellPaceIfChanged() {
  v1::Pace pace;
  {
    MutexLock lock(&mutex_);
    if (!std::exchange(tells_pace_, false)) return;
    pace = PaceNow();
  }
  for (const std::shared_ptr<Session>& session : LiveSessions()) session->Say(pace);
}

void Sessions::SendAway(absl::Duration within) {
  v1::GoAway go_away;
  *go_away.mutable_within() = ToProto(within);
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  for (const std::shared_ptr<Session>& session : LiveSessions()) session->Say(go_away);
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
    has_work_ = true;
  }
  woken_.notify_all();
}

// Begins to watch with the first session.
void Sessions::Run() {
  while (true) {
    {
      std::unique_lock<std::mutex> lock(wake_mutex_);
      woken_.wait(lock, [this] { return has_work_ || stops_; });
      if (stops_) return;
      has_work_ = false;
    }
    TellPaceIfChanged();
    while (TakeChange()) {
    }
    topics_.TellPending();
  }
}

bool Sessions::TakeChange() {
  if (changed_ == nullptr) {
    changed_ = engine_.WatchAll([this] { WakeThread(); });
    topics_.PublishAll();  // Whatever had changed before.
  }
  const absl::StatusOr<ChangedNames::Next> next = changed_->Take();
  if (!next.ok()) {
    changed_.reset();  // It lost sight of some: all are looked at again.
    return true;
  }
  if (!next->name.empty()) topics_.Publish(next->name);
  return !next->name.empty() || next->look_on;
}

}  // namespace fusebox
