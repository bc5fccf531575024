#include "client/cpp/connection/connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "fusebox/grpc_status.h"

namespace fusebox::internal {
namespace {

// However little there is to do: clocks of tests and of sleeps may differ.
constexpr absl::Duration kLongestSleep = absl::Seconds(1);

// Errors that coming back does not mend.
bool IsLasting(absl::StatusCode code) {
  return code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kUnimplemented ||
         code == absl::StatusCode::kPermissionDenied ||
         code == absl::StatusCode::kUnauthenticated || code == absl::StatusCode::kInternal;
}

}  // namespace

Connection::Connection(v1::BreakerService::Stub& stub, SessionLink& link, const ClientClock& clock,
                       TransitionSource& random, Settings settings)
    : stub_(stub), link_(link), clock_(clock), random_(random), settings_(std::move(settings)) {}

Connection::~Connection() { Stop(absl::ZeroDuration()); }

void Connection::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Connection::Stop(absl::Duration patience) {
  if (!thread_.joinable()) return;
  link_.TellAll();
  {
    MutexLock lock(mutex_);
    stops_at_ = Now() + patience;
  }
  Wake();
  thread_.join();
}

void Connection::Wake() {
  MutexLock lock(mutex_);
  has_work_ = true;
  woken_.notify_one();
}

bool Connection::WaitForServer(absl::Duration longest) const {
  const absl::Duration at_most = std::min(longest, absl::Hours(24));
  const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(at_most);
  while (true) {
    uint64_t seen = 0;
    {
      MutexLock lock(mutex_);
      seen = messages_;
    }
    if (link_.KnowsAll()) return true;
    std::unique_lock<std::mutex> lock(mutex_.native());
    const auto has_more = [this, seen]()
                              ABSL_NO_THREAD_SAFETY_ANALYSIS { return messages_ != seen; };
    if (!heard_.wait_until(lock, end, has_more)) return false;
  }
}

absl::Status Connection::error() const {
  if (link_.IsOpen()) return absl::OkStatus();
  MutexLock lock(mutex_);
  return FromGrpc(last_error_);
}

void Connection::Run() {
  connect_at_ = Now();
  while (true) {
    const Tick now = Now();
    const Tick next = Turn(now);
    const std::optional<Tick> stops_at = StopsAt();
    const bool has_told = stream_ == nullptr || link_.IsAllTold();
    if (stops_at.has_value() && (now >= *stops_at || has_told)) break;
    Sleep(std::min(next, stops_at.value_or(Tick::Max())));
  }
  if (stream_ != nullptr) EndStream(Now());
}

Tick Connection::Turn(Tick now) {
  const Tick next = link_.Advance();
  if (settings_.on_change) {
    TellChanges();
    now = Now();  // Whoever listens may take their time.
  }
  return std::min(next, stream_ == nullptr ? Connect(now) : TurnWithStream(now));
}

std::optional<Tick> Connection::StopsAt() const {
  MutexLock lock(mutex_);
  return stops_at_;
}

void Connection::TellChanges() {
  for (const SessionLink::Change& change : link_.TakeChanges()) settings_.on_change(change);
}

Tick Connection::Connect(Tick now) {
  if (now < connect_at_) return connect_at_;
  {
    MutexLock lock(mutex_);
    is_writable_ = is_broken_ = has_ended_ = false;
    error_ = grpc::Status::OK;
  }
  begun_at_ = now;
  leave_at_.reset();
  stream_ = SessionStream::Start(
      stub_, {.read =
                  [this](const v1::SessionResponse& response) {
                    const absl::Status status = link_.Take(response);
                    MutexLock lock(mutex_);
                    if (!status.ok()) {
                      is_broken_ = true;
                      error_ = {grpc::StatusCode::INTERNAL, std::string(status.message())};
                    }
                    ++messages_;
                    has_work_ = true;
                    woken_.notify_one();
                    heard_.notify_all();
                  },
              .writable =
                  [this] {
                    MutexLock lock(mutex_);
                    is_writable_ = has_work_ = true;
                    woken_.notify_one();
                  },
              .broken =
                  [this] {
                    MutexLock lock(mutex_);
                    is_broken_ = has_work_ = true;
                    woken_.notify_one();
                  },
              .ended =
                  [this](const grpc::Status& why) {
                    MutexLock lock(mutex_);
                    if (error_.ok()) error_ = why;
                    has_ended_ = true;
                    woken_.notify_one();
                  }});
  stream_->Write(link_.Begin());
  return now + settings_.patience;
}

Tick Connection::TurnWithStream(Tick now) {
  bool is_broken = false, is_writable = false;
  {
    MutexLock lock(mutex_);
    is_broken = is_broken_;
    is_writable = is_writable_;
  }
  if (const std::optional<absl::Duration> within = link_.TakeGoAway()) {
    leave_at_ = now + RandomPart(*within, random_.RandomBits());
  }
  if (!is_broken && IsStalled(now)) {
    MutexLock lock(mutex_);
    is_broken = true;
    error_ = {grpc::StatusCode::DEADLINE_EXCEEDED,
              "the server did not answer for " + absl::FormatDuration(settings_.patience)};
  }
  const bool leaves = leave_at_.has_value() && now >= *leave_at_;
  if (is_broken || leaves) {
    EndStream(now);
    if (!is_broken) connect_at_ = now;  // It was asked to, and has waited.
    return connect_at_;
  }
  Tick next = now + settings_.patience;
  if (leave_at_.has_value()) next = std::min(next, *leave_at_);
  if (!is_writable) return next;
  if (std::optional<v1::SessionRequest> request = link_.Say()) {
    {
      MutexLock lock(mutex_);
      is_writable_ = false;
    }
    stream_->Write(*std::move(request));
    return next;
  }
  return std::min(next, link_.NextSay());
}

// It may be stopped, or the network may swallow what is sent.
bool Connection::IsStalled(Tick now) const {
  if (!link_.IsOpen()) return now - begun_at_ >= settings_.patience;
  const std::optional<Tick> since = link_.WaitingSince();
  return since.has_value() && now - *since >= settings_.patience;
}

void Connection::EndStream(Tick now) {
  const bool was_open = link_.IsOpen();
  link_.Cut();
  std::exchange(stream_, nullptr)->End();
  {
    std::unique_lock<std::mutex> lock(mutex_.native());
    woken_.wait(lock, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_ended_; });
  }
  {
    MutexLock lock(mutex_);
    last_error_ = error_;
    if (error_.ok()) {
      last_error_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server ended the session");
    }
  }
  if (was_open) backoff_.Reset();
  connect_at_ = now + NextWait(error());
}

absl::Duration Connection::NextWait(const absl::Status& why) {
  if (IsLasting(why.code())) backoff_.Lengthen();
  return backoff_.Next(random_.RandomBits());
}

void Connection::Sleep(Tick until) {
  const absl::Duration left = std::min(until - Now(), kLongestSleep);
  std::unique_lock<std::mutex> lock(mutex_.native());
  if (left > absl::ZeroDuration()) {
    woken_.wait_for(lock, absl::ToChronoNanoseconds(left),
                    [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return has_work_; });
  }
  [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { has_work_ = false; }();
}

}  // namespace fusebox::internal
