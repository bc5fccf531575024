#include "server/rpc/watch_stream.h"

#include <string>
#include <utility>
#include <vector>

#include "proto/convert/convert.h"
#include "server/errors/errors.h"
#include "server/rpc/show.h"

namespace fusebox {

std::shared_ptr<WatchStream> WatchStream::Start(Engine& engine, Glob glob,
                                                const std::string& resume_token,
                                                grpc::CallbackServerContext* context, Sight sight) {
  const std::shared_ptr<WatchStream> stream(
      new WatchStream(engine, std::move(glob), context, std::move(sight)));
  stream->self_ = stream;
  stream->listed_ = !resume_token.empty();
  const absl::StatusOr<std::string> token = stream->sight_.Unmark(resume_token);
  using Watch = absl::StatusOr<std::shared_ptr<ChangedNames>>;
  const auto wake = [weak = stream->weak_from_this()] {
    if (const std::shared_ptr<WatchStream> live = weak.lock()) live->Wake();
  };
  // Before the snapshot, so that no change falls between the two.
  Watch changed = token.ok() ? engine.Watch(stream->glob_, wake, *token) : Watch(token.status());
  if (changed.ok()) {
    stream->changed_ = *std::move(changed);
    stream->Pump();
  } else {
    stream->End(changed.status());
  }
  return stream;
}

void WatchStream::Pump() {
  {
    MutexLock lock(&mutex_);
    look_again_ = true;
    if (at_work_) return;
    at_work_ = true;
  }
  while (true) {
    {
      MutexLock lock(&mutex_);
      if (ending_.has_value()) break;
      if (!std::exchange(look_again_, false)) {
        at_work_ = false;
        return;
      }
    }
    absl::StatusOr<std::optional<v1::WatchBreakersResponse>> next = Next();
    if (!next.ok()) {
      MutexLock lock(&mutex_);
      ending_ = next.status();
    } else if (next->has_value()) {
      message_ = **std::move(next);
      StartWrite(&message_);  // OnWriteDone() goes on from here.
      return;
    } else if (look_on_) {
      MutexLock lock(&mutex_);
      Pause();
      return;
    }
  }
  absl::Status status;
  {
    MutexLock lock(&mutex_);
    status = *ending_;  // `at_work_` stays set: nothing follows.
  }
  Finish(ToGrpcStatus(status));
}

void WatchStream::Wake() {
  MutexLock lock(&mutex_);
  look_again_ = true;
  if (at_work_) return;
  at_work_ = true;
  Pause();
}

// An alarm that is due at once is run by gRPC's executor. The stream stays at work, so that, as
// during a write, nobody finishes it meanwhile. The alarm is a fresh one each time, as it may not
// be set from within; GoOn() waits for the lock, so none is replaced while it is being set.
void WatchStream::Pause() {
  pause_ = std::make_unique<grpc::Alarm>();
  pause_->Set(gpr_inf_past(GPR_CLOCK_MONOTONIC), [this](bool) {
    // gRPC keeps the stream during its own callbacks, of which this is none.
    const std::shared_ptr<WatchStream> self = shared_from_this();
    GoOn(true);
  });
}

void WatchStream::OnWriteDone(bool ok) { GoOn(ok); }

void WatchStream::GoOn(bool ok) {
  {
    MutexLock lock(&mutex_);
    at_work_ = false;
    if (!ok && !ending_.has_value()) ending_ = absl::CancelledError("the watcher is gone");
  }
  Pump();
}

void WatchStream::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (ending_.has_value()) return;
    ending_ = status;
  }
  Pump();
}

// gRPC runs what follows from it, OnCancel() among it, on threads of its own.
void WatchStream::Cut() {
  MutexLock lock(&mutex_);
  if (context_ != nullptr) context_->TryCancel();
}

void WatchStream::OnCancel() { End(absl::CancelledError("the watcher is gone")); }

void WatchStream::OnDone() {
  {
    MutexLock lock(&mutex_);
    context_ = nullptr;
  }
  changed_.reset();
  self_.reset();
}

absl::StatusOr<std::optional<v1::WatchBreakersResponse>> WatchStream::Next() {
  if (absl::Status status = sight_.CheckCurrent(); !status.ok()) return status;
  if (!listed_) return NextOfSnapshot();
  if (!synced_) return NextMissed();
  const absl::StatusOr<ChangedNames::Next> next = TakeSeen([this] { return changed_->Take(); });
  if (!next.ok()) return next.status();
  return NextChange(*next);
}

absl::StatusOr<std::optional<v1::WatchBreakersResponse>> WatchStream::NextOfSnapshot() {
  constexpr int kLooks = 16;  // At 64 slots each: half a millisecond at worst.
  for (int look = 0; look < kLooks && !engine_.IsListed(cursor_); ++look) {
    const std::vector<BreakerView> views = engine_.List(
        glob_, 1, cursor_, [this](absl::string_view name) { return sight_.Sees(name); });
    if (!views.empty()) return Show(views.front());
  }
  listed_ = engine_.IsListed(cursor_);
  look_on_ = !listed_;
  if (listed_) return NextMissed();
  return std::nullopt;
}

template <typename Take>
absl::StatusOr<ChangedNames::Next> WatchStream::TakeSeen(const Take& take) const {
  constexpr int kLooks = 100;
  absl::StatusOr<ChangedNames::Next> next = take();
  for (int look = 1; next.ok() && !next->name.empty() && !sight_.Sees(next->name); ++look) {
    if (look == kLooks) return ChangedNames::Next{.name = "", .resume_token = "", .look_on = true};
    next = take();
  }
  return next;
}

absl::StatusOr<std::optional<v1::WatchBreakersResponse>> WatchStream::NextMissed() {
  const absl::StatusOr<ChangedNames::Next> next =
      TakeSeen([this] { return changed_->TakeMissed(); });
  if (!next.ok()) return next.status();
  if (!next->name.empty() || next->look_on) return NextChange(*next);
  synced_ = true;
  v1::WatchBreakersResponse mark;
  mark.mutable_synced();
  mark.set_resume_token(sight_.Mark(next->resume_token));
  return mark;
}

std::optional<v1::WatchBreakersResponse> WatchStream::NextChange(const ChangedNames::Next& next) {
  look_on_ = next.look_on;
  if (next.name.empty()) return std::nullopt;
  const absl::StatusOr<BreakerView> view = engine_.Get(next.name);
  v1::WatchBreakersResponse message;
  if (view.ok()) {
    message = Show(*view);
  } else {
    message.set_removed(next.name);
  }
  message.set_resume_token(sight_.Mark(next.resume_token));
  return message;
}

v1::WatchBreakersResponse WatchStream::Show(const BreakerView& view) const {
  v1::WatchBreakersResponse message;
  *message.mutable_breaker() = ShowBreaker(engine_, view);
  return message;
}

}  // namespace fusebox
