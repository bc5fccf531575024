#include "server/flusher/flusher.h"

#include <algorithm>
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

// How often the store learns how far the machine's clock came, so that another boot knows it too.
constexpr absl::Duration kBeat = absl::Seconds(10);

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
    status = Commit({});
  } else {
    engine_.ExpectHistory();
    reader_ = EventReader(engine_.events(), engine_.events().last_number());
    if (was_read_) {
      Report(status);
      status = WriteEverything();
    }
  }
  Note(status);
  return absl::OkStatus();
}

absl::Status Flusher::GoOn(const Kept& kept) {
  const absl::StatusOr<bool> are_all_back = GoOnWith(kept, control_, engine_);
  if (!are_all_back.ok()) {
    was_read_ = false;  // What cannot be used is not to be overwritten either.
    return are_all_back.status();
  }
  was_read_ = true;
  kept_life_ = kept.life;
  const bool is_new = kept.life == 0;
  const bool is_earlier_boot = boot_id_.empty() || kept.seen.boot_id != boot_id_;
  if (!is_new && is_earlier_boot) earlier_boot_ = kept.seen;
  rewrite_ = earlier_boot_.has_value() || !*are_all_back;
  for (const Event& event : kept.events) kept_events_.push_back(event.transition.number);
  reader_ = EventReader(engine_.events(), engine_.events().last_number());
  return absl::OkStatus();
}

ServerState Flusher::Server() const {
  return {std::max(kept_life_, engine_.reached_life()),
          earlier_boot_.value_or(BootTime{boot_id_, clock_.Now()})};
}

void Flusher::Report(const absl::Status& corruption) {
  Log(Severity::kError, "store_corrupt", {{"error", std::string(corruption.message())}});
  MutexLock lock(&mutex_);
  condition_.report = std::string(corruption.message());
  ++condition_.corruptions;
}

void Flusher::Round() {
  if (!status_.ok()) {
    Recover();
  } else if (rewrite_) {
    Note(WriteEverything());
  }
  const Control::Round round = control_.Begin(status_, clock_.Now());
  absl::Status kept;
  if (status_.ok()) {
    kept = Commit(round.rows());
    Note(kept);
  }
  control_.End(round, kept);
}

// A file that turns out to be corrupt is replaced at once: nothing in it is not known here.
absl::Status Flusher::Commit(const Changes& changes) {
  absl::Status status = TryCommit(changes);
  if (!absl::IsDataLoss(status)) return status;
  status = WriteEverything();
  return status.ok() ? TryCommit(changes) : status;
}

absl::Status Flusher::TryCommit(Changes changes) {
  AddOutages(changes);
  AddEvents(changes);
  const Tick now = clock_.Now();
  if (changes.empty() && now < next_beat_) return absl::OkStatus();
  PutServer(Server(), changes);
  next_beat_ = now + kBeat;
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
    NoteKept(number);
  }
  for (; kept_events_.size() > max_events_; kept_events_.pop_front()) {
    changes.Erase(Table::kTransitions, TransitionKey(kept_events_.front()));
  }
}

// One that happened while everything was written is written twice.
void Flusher::NoteKept(uint64_t event) {
  const auto place = std::lower_bound(kept_events_.begin(), kept_events_.end(), event);
  if (place == kept_events_.end() || *place != event) kept_events_.insert(place, event);
}

void Flusher::Recover() {
  // Everything is going to be written, so what changes meanwhile need not be remembered.
  engine_.TakeChangedOutages();
  if (clock_.Now() < next_try_) return;
  next_try_ = clock_.Now() + kRetryPeriod;
  Note(was_read_ ? WriteEverything() : ReadAgain());
}

// Breakers have been used since the start, so what they are now is what is to be kept.
absl::Status Flusher::ReadAgain() {
  const absl::StatusOr<Kept> kept = ReadKept(store_, Now());
  absl::Status status = kept.status();
  if (kept.ok()) {
    engine_.RaiseAbove(kept->life);
    status = GoOn(*kept);
  } else if (absl::IsDataLoss(status)) {
    Report(status);
    was_read_ = true;
  }
  return was_read_ ? WriteEverything() : status;
}

// What changes while this looks at it is named again, and so goes with the next commit.
absl::Status Flusher::WriteEverything() {
  engine_.TakeChangedOutages();
  earlier_boot_.reset();
  rewrite_ = true;
  const uint64_t last = engine_.events().last_number();
  std::deque<uint64_t> events;
  const absl::Status status = store_.Replace([this, &events](Store::Show show) {
    ShowEverything(control_, engine_, Server(), Now(), show, events);
  });
  NoteCommit(status);
  if (!status.ok()) return status;
  rewrite_ = false;
  next_beat_ = clock_.Now() + kBeat;
  kept_events_ = std::move(events);
  reader_ = EventReader(engine_.events(), last);
  return status;
}

void Flusher::NoteCommit(const absl::Status& status) {
  if (absl::IsDataLoss(status)) Report(status);
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
      bell_.wait_for(lock, kPeriod, [this] { return rings_ || stops_ || !control_.is_idle(); });
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
