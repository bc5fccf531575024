#ifndef FUSEBOX_SERVER_HTTP_REQUEST_COUNTS_H_
#define FUSEBOX_SERVER_HTTP_REQUEST_COUNTS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "server/sync/mutex.h"

namespace fusebox {

// How requests over HTTP ended. Thread-safe.
class RequestCounts {
 public:
  // By the path of the route, which is empty where there was none, and the status.
  using ByRoute = std::map<std::pair<std::string, int>, uint64_t>;

  void Answered(const std::string& route, int status) {
    MutexLock lock(&mutex_);
    ++answered_[{route, status}];
  }
  void FailedHandshake() { ++failed_handshakes_; }

  ByRoute answered() const {
    MutexLock lock(&mutex_);
    return answered_;
  }
  uint64_t failed_handshakes() const { return failed_handshakes_; }

 private:
  mutable Mutex mutex_;
  ByRoute answered_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> failed_handshakes_{0};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_REQUEST_COUNTS_H_
