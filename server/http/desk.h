#ifndef FUSEBOX_SERVER_HTTP_DESK_H_
#define FUSEBOX_SERVER_HTTP_DESK_H_

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/http/bound.h"
#include "server/http/handshake_log.h"
#include "server/http/request_counts.h"
#include "server/http/router.h"

namespace fusebox {

// What the connections of a server share: who answers, and how much may be under way. Thread-safe,
// but for what is said to be of one thread.
class Desk {
 public:
  static constexpr int kPageThreads = 16, kCallThreads = 4;
  static constexpr size_t kBodiesAtOnce = 64;
  static constexpr size_t kAnswerBytes = size_t{64} << 20;

  // `counts` must outlive it.
  Desk(std::vector<HttpRoute> routes, RequestCounts& counts)
      : router_(std::move(routes)), counts_(counts) {
    for (const HttpRoute& route : router_.routes()) requests_.try_emplace(&route, route.most);
  }

  const Router& router() const { return router_; }

  // Where its handler runs: many scrapes do not keep calls waiting.
  boost::asio::thread_pool& WorkersOf(const HttpRoute& route) {
    return route.method == HttpRoute::Method::kGet ? page_workers_ : call_workers_;
  }

  Bound& bodies() { return bodies_; }                                                 // Being read.
  Bound& requests(const HttpRoute& route) { return requests_.find(&route)->second; }  // Of one.
  Bound& answers() { return answers_; }  // Bytes that nobody has taken yet.

  // For a connection, until it has said what it wants; `drop` ends it. Of one thread, as is the
  // place's end.
  Place BeSilent(std::function<void()> drop) {
    const uint64_t number = ++last_silent_;
    silent_.emplace(number, Silent{std::chrono::steady_clock::now(), std::move(drop)});
    return Place([this, number] { silent_.erase(number); });
  }

  // Drops the connection that has been silent longest, if that was longer than `patience`; false if
  // there is none. Of that thread.
  bool DropSilent(std::chrono::milliseconds patience) {
    const auto oldest = silent_.begin();
    const auto until = std::chrono::steady_clock::now() - patience;
    if (oldest == silent_.end() || oldest->second.since > until) return false;
    const std::function<void()> drop = std::move(oldest->second.drop);
    silent_.erase(oldest);
    drop();
    return true;
  }

  // Of that thread, too.
  void FailedHandshake(const std::string& peer, const std::string& why) {
    counts_.FailedHandshake();
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    handshakes_.Failed(peer, why, absl::UnixEpoch() + absl::FromChrono(now));
  }

  // `route` is null where there was none.
  void Answered(const HttpRoute* route, int status) {
    counts_.Answered(route == nullptr ? "" : route->path, status);
  }

  // From now on nobody waits for answers.
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

  // For any request, from its header until its connection ends.
  Place Begin() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++under_way_;
    return Place([this] { End(); });
  }

  // Waits until there is no request under way, for at most `patience`.
  void WaitUntilIdle(std::chrono::milliseconds patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait_for(lock, patience, [this] { return under_way_ == 0; });
  }

  // For a handler, until it has answered: it needs the desk and the executor until then.
  Place BeginHandler() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++handlers_;
    return Place([this] { EndHandler(); });
  }

  // Waits until no handler will answer any more.
  void WaitForHandlers() {
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return handlers_ == 0; });
  }

 private:
  struct Silent {
    std::chrono::steady_clock::time_point since;
    std::function<void()> drop;
  };

  void End() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--under_way_ == 0) idle_.notify_all();
  }

  void EndHandler() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--handlers_ == 0) idle_.notify_all();
  }

  const Router router_;
  RequestCounts& counts_;
  boost::asio::thread_pool page_workers_{kPageThreads}, call_workers_{kCallThreads};
  Bound bodies_{kBodiesAtOnce}, answers_{kAnswerBytes};
  std::map<const HttpRoute*, Bound> requests_;
  std::atomic<bool> stopped_{false};
  uint64_t last_silent_ = 0;
  std::map<uint64_t, Silent> silent_;  // By when they came.
  HandshakeLog handshakes_;
  std::mutex mutex_;
  std::condition_variable idle_;
  int under_way_ = 0;
  int handlers_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_DESK_H_
