#include "server/rpc/session_stream.h"

#include "core/error.h"
#include "proto/convert/bad_field.h"
#include "server/errors/errors.h"
#include "server/rpc/peer.h"

namespace fusebox {
namespace {

constexpr int kHelloPatience = 5;  // Seconds, as are those of
constexpr int kEndPatience = 1;    // a client to read that it is over.

gpr_timespec After(int seconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(seconds, GPR_TIMESPAN));
}

// Clears a message. One that is cleared keeps the memory that it had, which is spared the next one;
// but not what a report of 10,000 rows takes, or 20 policies.
template <typename Message>
void ForgetIfLarge(Message& message) {
  constexpr size_t kLarge = 256;  // Bytes on the wire; in memory it is some times as many.
  if (message.ByteSizeLong() > kLarge) {
    Message().Swap(&message);
  } else {
    message.Clear();
  }
}

bool SaysOnlyHello(const v1::SessionRequest& request) {
  return request.subscribe_size() == 0 && !request.has_report() && request.permits_size() == 0 &&
         request.unsubscribe_size() == 0;
}

}  // namespace

SessionStream* SessionStream::Start(Sessions& sessions, const Authorizer& authorizer, Caller caller,
                                    grpc::CallbackServerContext* context) {
  const std::shared_ptr<SessionStream> stream(
      new SessionStream(sessions, authorizer, std::move(caller), context));
  stream->self_ = stream;
  stream->ExpectHello();
  stream->StartRead(&stream->request_);
  return stream.get();
}

void SessionStream::ExpectHello() {
  MutexLock lock(&mutex_);
  hello_due_ = std::make_unique<grpc::Alarm>();
  hello_due_->Set(After(kHelloPatience), [weak = weak_from_this()](bool is_over) {
    const std::shared_ptr<SessionStream> live = weak.lock();
    if (!is_over || live == nullptr) return;
    live->End(BadField("HELLO_MISSING", "hello", "late", "say it within 5s"));
  });
}

void SessionStream::OnReadDone(bool ok) {
  // A client that has nothing more to say is done with its session.
  if (!ok) return End(absl::OkStatus());
  if (const absl::Status status = Take(); !status.ok()) return End(status);
  ReadOn();
  Pump();
}

// Answers that it has not written yet are written before it reads more of what makes them.
void SessionStream::ReadOn() {
  MutexLock lock(&mutex_);
  if (ending_.has_value()) return;  // Nothing may be read after the end.
  read_waits_ = begun_->session->OwesAnswers();
  if (read_waits_) return;
  ForgetIfLarge(request_);
  StartRead(&request_);
}

absl::Status SessionStream::Take() {
  if (const absl::Status current = CheckCurrent(); !current.ok()) return current;
  if (begun_.has_value()) return begun_->session->Take(request_);
  if (!request_.has_hello()) {
    return BadField("HELLO_MISSING", "hello", "not in the first message", "say who you are first");
  }
  if (SaysOnlyHello(request_)) return Begin(request_.hello());
  return BadField("HELLO_INVALID", "hello", "not alone in the first message",
                  "wait for welcome before you say more");
}

absl::Status SessionStream::CheckCurrent() const {
  if (authorizer_.IsCurrent(caller_)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kAborted, "GRANTS_CHANGED",
                   "what this caller is known by or may do has changed; begin the session anew");
}

// Sessions may have them for a moment longer than there is a stream.
Sessions::Callbacks SessionStream::MakeCallbacks() {
  const std::weak_ptr<SessionStream> weak = weak_from_this();
  Sessions::Callbacks callbacks;
  callbacks.wake = [weak] {
    if (const auto live = weak.lock()) live->Pump();
  };
  callbacks.end = [weak](const absl::Status& status) {
    if (const auto live = weak.lock()) live->End(status);
  };
  callbacks.recheck = [weak] {
    if (const auto live = weak.lock()) live->Recheck();
  };
  return callbacks;
}

void SessionStream::Recheck() {
  if (const absl::Status current = CheckCurrent(); !current.ok()) End(current);
}

absl::Status SessionStream::Begin(const v1::Hello& hello) {
  std::string peer_address;
  {
    MutexLock lock(&mutex_);
    if (context_ != nullptr) peer_address = context_->peer();
  }
  Session::Peer peer{.client = PeerClient(hello.client(), peer_address, caller_.name()),
                     .check = [caller = caller_](absl::string_view breaker) {
                       return caller.Check(Role::kCaller, Scope::Name(breaker), "Session");
                     }};
  absl::StatusOr<Sessions::Begun> begun =
      sessions_.Begin(hello, caller_.name(), std::move(peer), MakeCallbacks());
  if (!begun.ok()) return begun.status();
  MutexLock lock(&mutex_);
  begun_ = *std::move(begun);
  has_begun_ = true;
  hello_due_.reset();
  return absl::OkStatus();
}

void SessionStream::Pump() {
  {
    MutexLock lock(&mutex_);
    look_again_ = true;
    if (at_work_) return;
    at_work_ = true;
  }
  while (TakeTurn()) {
    std::optional<v1::SessionResponse> response = begun_->session->Say();
    if (!response.has_value()) {
      MutexLock lock(&mutex_);
      owes_nothing_ = ending_.has_value();
      continue;
    }
    response_ = *std::move(response);
    StartWrite(&response_);  // OnWriteDone() goes on from here.
    return;
  }
}

bool SessionStream::TakeTurn() {
  absl::Status status;
  {
    MutexLock lock(&mutex_);
    const bool looks = std::exchange(look_again_, false) || ending_.has_value();
    if (!MayEnd()) {
      at_work_ = looks && has_begun_;
      return at_work_;
    }
    status = *ending_;  // `at_work_` stays set: nothing follows.
  }
  Finish(ToGrpcStatus(status));
  return false;
}

void SessionStream::OnWriteDone(bool ok) {
  bool reads_on = false;
  ForgetIfLarge(response_);
  {
    MutexLock lock(&mutex_);
    at_work_ = false;
    if (!ok && !ending_.has_value()) ending_ = absl::CancelledError("the client is gone");
    owes_nothing_ |= !ok;
    reads_on = !ending_.has_value() && std::exchange(read_waits_, false);
  }
  if (reads_on) ReadOn();
  Pump();
}

void SessionStream::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (ending_.has_value()) return;
    ending_ = status;
    end_due_ = std::make_unique<grpc::Alarm>();
    end_due_->Set(After(kEndPatience), [weak = weak_from_this()](bool is_over) {
      const std::shared_ptr<SessionStream> live = weak.lock();
      if (is_over && live != nullptr) live->Cut();
    });
  }
  Pump();
}

void SessionStream::Cut() {
  MutexLock lock(&mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

void SessionStream::OnCancel() { End(absl::CancelledError("the client is gone")); }

void SessionStream::OnDone() {
  if (begun_.has_value()) sessions_.Close(*begun_);
  begun_.reset();
  std::shared_ptr<SessionStream> self;  // Goes after the lock.
  MutexLock lock(&mutex_);
  context_ = nullptr;
  end_due_.reset();
  self = std::move(self_);
}

}  // namespace fusebox
