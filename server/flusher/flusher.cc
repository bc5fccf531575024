#include "server/flusher/flusher.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/log/log.h"

namespace fusebox {
namespace {

// How long a change that nobody waits for may stay in memory alone; DESIGN promises 100 ms.
constexpr std::chrono::milliseconds kPeriod{50};

// How often a store that failed is tried again.
constexpr absl::Duration kRetryPeriod = absl::Seconds(2);

// How many events one commit takes; what is left goes with the next.
constexpr size_t kMaxEventsAtOnce = 10'000;

}  // namespace

Flusher::Flusher(Engine& engine, Control& control, const Clock& clock, Store& store,
                 size_t max_events)
    : engine_(engine),
      control_(control),
      clock_(clock),
      store_(store),
      boot_id_(clock.BootId()),
      max_events_(max_events),
      reader_(engine.events()),
      last_commit_(clock.Now()) {
  control_.WakeBy([this] {
    {
      const std::lock_guard<std::mutex> lock(bell_mutex_);
      rings_ = true;
    }
    bell_.notify_one();
  });
}

absl::Status Flusher::Begin(const absl::StatusOr<Kept>& kept) {
  engine_.KeepOutages();
  was_read_ = kept.ok() || absl::IsDataLoss(kept.status());
  absl::Status status = kept.status();
  if (kept.ok()) {
    status = GoOn(*kept);
    if (!was_read_) return status;
  } else if (was_read_) {
    status = ReplaceCorrupt(status);
  }
  Note(status);
  return absl::OkStatus();
}

absl::Status Flusher::GoOn(const Kept& kept) {
  if (absl::Status status = GoOnWith(kept, control_, engine_); !status.ok()) {
    was_read_ = false;  // What cannot be used is not to be overwritten either.
    return status;
  }
  for (const Event& event : kept.events) kept_events_.push_back(event.transition.number);
  reader_ = EventReader(engine_.events(), engine_.events().last_number());
  Changes life;
  PutLife(engine_.life(), life);
  return Commit(std::move(life));
}

absl::Status Flusher::ReplaceCorrupt(const absl::Status& corruption) {
  Log(Severity::kError, "store_corrupt", {{"error", std::string(corruption.message())}});
  {
    MutexLock lock(&mutex_);
    condition_.report = std::string(corruption.message());
  }
  return WriteEverything();
}

void Flusher::Round() {
  if (!status_.ok()) Recover();
  const Control::Round round = control_.Begin(status_, clock_.Now());
  absl::Status kept;
  if (status_.ok()) {
    kept = Commit(round.rows());
    Note(kept);
  }
  control_.End(round, kept);
}

absl::Status Flusher::Commit(Changes changes) {
  AddOutages(changes);
  AddEvents(changes);
  if (changes.empty()) return absl::OkStatus();
  const absl::Status status = store_.Commit(changes);
  NoteCommit(status);
  return status;
}

void Flusher::AddOutages(Changes& changes) {
  const NameSet::Names names = engine_.TakeChangedOutages();
  if (names.empty()) return;
  const RecordTime now = Now();
  for (const std::string& breaker : names) {
    const std::optional<Outage> outage = engine_.SaveOutage(breaker);
    if (outage.has_value()) {
      changes.Put(Table::kBreakers, breaker, EncodeOutage(*outage, breaker, now));
    } else {
      changes.Erase(Table::kBreakers, breaker);
    }
  }
}

void Flusher::AddEvents(Changes& changes) {
  const EventReader::Page page = reader_.Next(kMaxEventsAtOnce);
  if (page.events.empty()) return;
  const RecordTime now = Now();
  for (const Event& event : page.events) {
    const uint64_t number = event.transition.number;
    changes.Put(Table::kTransitions, TransitionKey(number), EncodeTransition(event, now));
    kept_events_.push_back(number);
  }
  for (; kept_events_.size() > max_events_; kept_events_.pop_front()) {
    changes.Erase(Table::kTransitions, TransitionKey(kept_events_.front()));
  }
}

void Flusher::Recover() {
  if (clock_.Now() < next_try_) return;
  next_try_ = clock_.Now() + kRetryPeriod;
  Note(was_read_ ? WriteEverything() : ReadAgain());
}

absl::Status Flusher::ReadAgain() {
  const absl::StatusOr<Kept> kept = ReadKept(store_, Now());
  if (kept.ok()) {
    was_read_ = true;
    return GoOn(*kept);
  }
  was_read_ = absl::IsDataLoss(kept.status());
  return was_read_ ? ReplaceCorrupt(kept.status()) : kept.status();
}

// What changes while this looks at it is named again, and so goes with the next commit.
absl::Status Flusher::WriteEverything() {
  engine_.TakeChangedOutages();
  const uint64_t last = engine_.events().last_number();
  std::deque<uint64_t> events;
  const absl::Status status = store_.Replace([this, &events](Store::Show show) {
    ShowEverything(control_, engine_, Now(), show, events);
  });
  NoteCommit(status);
  if (!status.ok()) return status;
  kept_events_ = std::move(events);
  reader_ = EventReader(engine_.events(), last);
  return status;
}

void Flusher::NoteCommit(const absl::Status& status) {
  MutexLock lock(&mutex_);
  ++(status.ok() ? condition_.commits : condition_.failures);
  if (status.ok()) last_commit_ = clock_.Now();
}

void Flusher::Note(const absl::Status& status) {
  if (status.ok() != status_.ok()) {
    if (status.ok()) {
      Log(Severity::kInfo, "durable_again", {});
    } else {
      Log(Severity::kError, "not_durable", {{"error", std::string(status.message())}});
      next_try_ = clock_.Now() + kRetryPeriod;
    }
  }
  status_ = status;
  MutexLock lock(&mutex_);
  condition_.not_durable = std::string(status.message());
}

void Flusher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Flusher::Run() {
  for (bool stops = false; !stops;) {
    {
      std::unique_lock<std::mutex> lock(bell_mutex_);
      bell_.wait_for(lock, kPeriod, [this] { return rings_ || stops_; });
      rings_ = false;
      stops = stops_;
    }
    Round();
  }
}

void Flusher::Stop() {
  control_.Close();
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(bell_mutex_);
    stops_ = true;
  }
  bell_.notify_one();
  thread_.join();
}

StoreCondition Flusher::condition() const {
  const Tick now = clock_.Now();
  MutexLock lock(&mutex_);
  StoreCondition condition = condition_;
  condition.since_commit = now - last_commit_;
  return condition;
}

}  // namespace fusebox
