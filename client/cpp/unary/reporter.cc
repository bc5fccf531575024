#include "client/cpp/unary/reporter.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/cpp/connection/backoff.h"
#include "client/cpp/local/numbers.h"
#include "fusebox/grpc_status.h"

namespace fusebox::internal {
namespace {

constexpr size_t kMaxRows = 10'000;
constexpr int kMaxBatch = 1'000;
// What is older would count as if it were of now; and the server forgets batches after a minute.
constexpr absl::Duration kWorthTelling = absl::Seconds(10);
// Before a batch is sent again, at most: permits wait in it. Less where there is little time left.
constexpr absl::Duration kLongestWait = absl::Seconds(1);
constexpr absl::Duration kLongestLastWait = absl::Milliseconds(50);

// The same batch would be refused again.
bool IsLasting(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

Reporter::Reporter(v1::BreakerService::Stub& stub, const ClientClock& clock,
                   TransitionSource& random, Settings settings)
    : stub_(stub), clock_(clock), random_(random), settings_(std::move(settings)) {
  thread_ = std::thread([this] { Run(); });
}

Reporter::~Reporter() { Stop(absl::ZeroDuration()); }

void Reporter::Add(v1::BatchRecordItem item) {
  const Tick now = Now();
  MutexLock lock(mutex_);
  if (rows_.size() >= kMaxRows) rows_.pop_front();
  rows_.push_back({.item = std::move(item), .ended = now});
  woken_.notify_one();
}

void Reporter::Wake() {
  MutexLock lock(mutex_);
  is_woken_ = true;
  woken_.notify_one();
}

void Reporter::Stop(absl::Duration patience) {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    woken_.notify_one();
  }
  {
    std::unique_lock<std::mutex> lock(mutex_.native());
    told_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                   [this]()
                       ABSL_NO_THREAD_SAFETY_ANALYSIS { return rows_.empty() && under_way_ == 0; });
  }
  {
    MutexLock lock(mutex_);
    is_out_of_time_ = true;
    if (context_ != nullptr) context_->TryCancel();
    woken_.notify_one();
  }
  thread_.join();
}

size_t Reporter::rows() const {
  MutexLock lock(mutex_);
  return rows_.size() + under_way_;
}

void Reporter::Run() {
  Batch batch;
  while (!IsOutOfTime()) {
    if (TakeWake()) settings_.on_wake();
    const Tick now = Now();
    if (batch.empty()) batch = TakeBatch(now);
    if (!batch.empty() && now >= batch.tell_at) {
      TellOnce(batch);
    } else {
      Sleep(batch.empty() ? now + kLongestWait : batch.tell_at, /*for_rows=*/batch.empty());
    }
  }
}

void Reporter::TellOnce(Batch& batch) {
  if (Now() - batch.ended >= kWorthTelling) return Settle(batch);
  const absl::Status status = Tell(batch);
  if (status.ok() || IsLasting(status)) return Settle(batch);
  batch.tell_at = Now() + NextWait();
}

bool Reporter::TakeWake() {
  MutexLock lock(mutex_);
  return std::exchange(is_woken_, false);
}

bool Reporter::IsOutOfTime() const {
  MutexLock lock(mutex_);
  return is_out_of_time_;
}

Reporter::Batch Reporter::TakeBatch(Tick now) {
  Batch batch{.tell_at = now};
  MutexLock lock(mutex_);
  while (!rows_.empty() && now - rows_.front().ended >= kWorthTelling) rows_.pop_front();
  while (!rows_.empty() && batch.request.items_size() < kMaxBatch) {
    batch.ended = rows_.front().ended;
    *batch.request.add_items() = std::move(rows_.front().item);
    rows_.pop_front();
  }
  under_way_ = static_cast<size_t>(batch.request.items_size());
  if (batch.empty()) {
    told_.notify_all();
  } else {
    batch.request.set_batch_id(RandomId(random_));
    batch.request.set_client(settings_.client);
  }
  return batch;
}

absl::Status Reporter::Tell(const Batch& batch) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMicroseconds(settings_.patience));
  {
    MutexLock lock(mutex_);
    if (is_out_of_time_) return absl::CancelledError();
    context_ = &context;
  }
  v1::BatchRecordResponse response;
  const absl::Status status = FromGrpc(stub_.BatchRecord(&context, batch.request, &response));
  MutexLock lock(mutex_);
  context_ = nullptr;
  return status;
}

absl::Duration Reporter::NextWait() {
  MutexLock lock(mutex_);
  return RandomPart(is_stopping_ ? kLongestLastWait : kLongestWait, random_.RandomBits());
}

void Reporter::Settle(Batch& batch) {
  batch = {};
  MutexLock lock(mutex_);
  under_way_ = 0;
  if (rows_.empty()) told_.notify_all();
}

void Reporter::Sleep(Tick until, bool for_rows) {
  const absl::Duration left = until - Now();
  if (left <= absl::ZeroDuration()) return;
  std::unique_lock<std::mutex> lock(mutex_.native());
  woken_.wait_for(lock, absl::ToChronoNanoseconds(left),
                  [this, for_rows]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                    return is_woken_ || is_out_of_time_ || (for_rows && !rows_.empty());
                  });
}

}  // namespace fusebox::internal
