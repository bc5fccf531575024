#ifndef FUSEBOX_CLIENT_CPP_UNARY_REPORTER_H_
#define FUSEBOX_CLIENT_CPP_UNARY_REPORTER_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/local/mutex.h"
#include "core/tick.h"
#include "core/transition.h"
#include "fusebox/client_clock.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"

namespace fusebox::internal {

// Tells the server how calls ended, in the background: those that end while one batch is under way
// are the next. A batch that gets no answer is sent again, and counts once.
//
// Bounded: what cannot be told for 10 s is dropped, and so are the oldest of more than 10,000.
// Thread-safe; has a thread of its own.
class Reporter {
 public:
  struct Settings {
    std::string client = {};
    absl::Duration patience = absl::Seconds(2);  // With a batch that is not answered.
    // Called by the thread after Wake(), with nothing locked.
    std::function<void()> on_wake = [] {};
  };

  // All that is passed outlives it.
  Reporter(v1::BreakerService::Stub& stub, const ClientClock& clock, TransitionSource& random,
           Settings settings);
  ~Reporter();

  // A call ended so.
  void Add(v1::BatchRecordItem item);
  // Something is to be done by the thread.
  void Wake();

  // Tells what is left to tell, for as long as `patience`, and ends.
  void Stop(absl::Duration patience);

  // What is not told yet.
  size_t rows() const;

 private:
  struct Row {
    v1::BatchRecordItem item = {};
    Tick ended = {};
  };
  struct Batch {
    bool empty() const { return request.items_size() == 0; }

    v1::BatchRecordRequest request = {};
    Tick ended = {};  // The last of its calls.
    Tick tell_at = {};
  };

  void Run();
  void TellOnce(Batch& batch);
  bool TakeWake();
  bool IsOutOfTime() const;
  // What is to be told next; empty if there is nothing.
  Batch TakeBatch(Tick now);
  absl::Status Tell(const Batch& batch);
  absl::Duration NextWait();
  // It is told, or of no use any more.
  void Settle(Batch& batch);
  // Until then, or until there is something to do; rows alone are that if `for_rows`.
  void Sleep(Tick until, bool for_rows);
  Tick Now() const { return Tick::FromNanos(clock_.NowNanos()); }

  v1::BreakerService::Stub& stub_;
  const ClientClock& clock_;
  TransitionSource& random_;
  const Settings settings_;
  std::thread thread_;

  mutable Mutex mutex_;
  std::condition_variable woken_;
  std::condition_variable told_;  // All of it.
  std::deque<Row> rows_ ABSL_GUARDED_BY(mutex_);
  size_t under_way_ ABSL_GUARDED_BY(mutex_) = 0;                    // Rows in the batch.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Its RPC.
  bool is_woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_out_of_time_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_UNARY_REPORTER_H_
