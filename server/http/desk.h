#ifndef FUSEBOX_SERVER_HTTP_DESK_H_
#define FUSEBOX_SERVER_HTTP_DESK_H_

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "server/http/router.h"

namespace fusebox {

// Takes one of a number of places, and gives it back when it ends. Empty if there was none.
class Place {
 public:
  Place() = default;
  explicit Place(std::function<void()> give_back) : give_back_(std::move(give_back)) {}
  Place(Place&& other) noexcept : give_back_(std::exchange(other.give_back_, nullptr)) {}
  Place& operator=(Place&& other) noexcept {
    give_back_.swap(other.give_back_);
    return *this;
  }
  ~Place() {
    if (give_back_ != nullptr) give_back_();
  }

  explicit operator bool() const { return give_back_ != nullptr; }

 private:
  std::function<void()> give_back_;
};

// What the connections of a server share: who answers, and how much may be under way. Thread-safe.
class Desk {
 public:
  static constexpr int kThreads = 16;
  static constexpr int kPostsAtOnce = 8;  // So that some threads are left for health.

  explicit Desk(std::vector<HttpRoute> routes) : router_(std::move(routes)), workers_(kThreads) {}

  const Router& router() const { return router_; }

  // Where handlers run.
  boost::asio::thread_pool& workers() { return workers_; }

  // For a POST, before its body is read and until it is answered.
  Place TakePost() {
    if (posts_.fetch_add(1) >= kPostsAtOnce) {
      posts_.fetch_sub(1);
      return Place();
    }
    return Place([this] { posts_.fetch_sub(1); });
  }

  // For any request, from its header until its response was written.
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

 private:
  void End() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--under_way_ == 0) idle_.notify_all();
  }

  const Router router_;
  boost::asio::thread_pool workers_;
  std::atomic<int> posts_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
  int under_way_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_DESK_H_
