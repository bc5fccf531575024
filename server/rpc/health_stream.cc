#include "server/rpc/health_stream.h"

#include <utility>

#include "server/errors/errors.h"
#include "server/rpc/repeat.h"

namespace fusebox {

HealthStream::HealthStream(ServedHealth& served, Engine& engine, HealthTarget target, Sight sight,
                           HealthViewer viewer)
    : served_(served),
      engine_(engine),
      target_(std::move(target)),
      sight_(std::move(sight)),
      viewer_(std::move(viewer)) {}

std::shared_ptr<HealthStream> HealthStream::Make(ServedHealth& served, Engine& engine,
                                                 HealthTarget target, Sight sight,
                                                 HealthViewer viewer) {
  return std::shared_ptr<HealthStream>(
      new HealthStream(served, engine, std::move(target), std::move(sight), std::move(viewer)));
}

void HealthStream::Start() {
  self_ = shared_from_this();
  absl::Status status;
  if (target_.kind == HealthTarget::Kind::kService) {
    absl::StatusOr<ServedHealth::Seat> seat = served_.TakeSeat();
    status = seat.status();
    if (seat.ok()) seat_ = *std::move(seat);
  } else {
    const auto wake = [weak = weak_from_this()] {
      if (const std::shared_ptr<HealthStream> live = weak.lock()) live->Wake();
    };
    absl::StatusOr<std::shared_ptr<ChangedNames>> changed =
        engine_.Watch(BreakersOf(target_), wake);
    status = changed.status();
    if (changed.ok()) changed_ = *std::move(changed);
  }
  {
    MutexLock lock(&mutex_);
    if (!status.ok() && !ending_.has_value()) ending_ = status;
    look_again_ = true;
  }
  Work();
}

void HealthStream::Pump() {
  {
    MutexLock lock(&mutex_);
    look_again_ = true;
    if (at_work_) return;
    at_work_ = true;
  }
  Work();
}

void HealthStream::Work() {
  while (TakeTurn()) {
    const absl::StatusOr<std::optional<HealthLook>> looked = Look();
    if (!looked.ok()) {
      Defer(looked.status());
      continue;
    }
    const std::optional<HealthLook>& look = *looked;
    {
      MutexLock lock(&mutex_);
      if (!look.has_value()) {
        look_again_ = true;
        PauseUntil(RepetitionTime());
        return;
      }
      // What woke it since may have come behind the walk that made the report.
      const bool is_current = look->since > *std::exchange(looks_since_, std::nullopt) && !woken_;
      look_at_ = is_current ? Tick::Max() : engine_.Now() + HealthWalks::kMaxAge;
    }
    if (look->status == told_) continue;
    told_ = look->status;
    message_.set_status(look->status);
    StartWrite(&message_);  // OnWriteDone() goes on from here.
    return;
  }
}

bool HealthStream::TakeTurn() {
  absl::Status status = sight_.CheckCurrent();
  {
    MutexLock lock(&mutex_);
    if (!status.ok() && !ending_.has_value()) ending_ = status;
    const bool looks = std::exchange(look_again_, false);
    if (!ending_.has_value()) {
      at_work_ = looks;
      return looks;
    }
    // A server that stops says so to who watches it, and that looks at nothing but a map.
    const bool is_drain = absl::IsUnavailable(*ending_);
    if (looks && is_drain && target_.kind == HealthTarget::Kind::kService) return true;
    status = *ending_;  // `at_work_` stays set: nothing follows.
  }
  Finish(ToGrpcStatus(status));
  return false;
}

// Who was told something keeps the watch.
void HealthStream::Defer(const absl::Status& error) {
  looks_since_.reset();
  MutexLock lock(&mutex_);
  look_at_ = engine_.Now() + HealthWalks::kMaxAge;
  if (told_.has_value()) return;
  if (!ending_.has_value()) ending_ = error;
  look_again_ = true;
}

// What changes after the names were skipped wakes the stream; what changed before is in what it now
// sees, unless that is a report from before then.
absl::StatusOr<std::optional<HealthLook>> HealthStream::Look() {
  if (!looks_since_.has_value()) {
    {
      MutexLock lock(&mutex_);
      woken_ = false;
    }
    if (changed_ != nullptr) changed_->Skip();
    looks_since_ = engine_.Now();
  }
  return served_.Look(target_, viewer_);
}

void HealthStream::Wake() {
  MutexLock lock(&mutex_);
  woken_ = true;
  PumpSoon();
}

void HealthStream::Recheck() {
  MutexLock lock(&mutex_);
  PumpSoon();
}

// Who is at work may be looking at what was before `now`.
void HealthStream::Maintain(Tick now) {
  MutexLock lock(&mutex_);
  if (at_work_ || now >= look_at_) PumpSoon();
}

void HealthStream::PumpSoon() {
  look_again_ = true;
  if (at_work_) return;
  at_work_ = true;
  PauseUntil(gpr_inf_past(GPR_CLOCK_MONOTONIC));
}

// gRPC's executor runs alarms. The stream stays at work, so that, as during a write, nobody
// finishes it meanwhile. The alarm is a fresh one each time, as it may not be set from within;
// GoOn() waits for the lock, so none is replaced while it is being set.
void HealthStream::PauseUntil(gpr_timespec time) {
  pause_ = std::make_unique<grpc::Alarm>();
  pause_->Set(time, [this](bool) {
    // gRPC keeps the stream during its own callbacks, of which this is none.
    const std::shared_ptr<HealthStream> self = shared_from_this();
    GoOn(true);
  });
}

void HealthStream::OnWriteDone(bool ok) { GoOn(ok); }

void HealthStream::GoOn(bool ok) {
  {
    MutexLock lock(&mutex_);
    if (!ok) ending_ = absl::CancelledError("the watcher is gone");
  }
  Work();
}

void HealthStream::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (ending_.has_value()) return;
    ending_ = status;
  }
  Pump();
}

void HealthStream::OnCancel() { End(absl::CancelledError("the watcher is gone")); }

void HealthStream::OnDone() {
  changed_.reset();
  seat_.reset();
  self_.reset();
}

}  // namespace fusebox
