#ifndef FUSEBOX_THREAD_POOL_H_
#define FUSEBOX_THREAD_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fusebox {

struct ThreadPoolOptions {
  size_t core = 4;   // Threads that stay: 0 or more.
  size_t max = 16;   // Threads while the queue is full: 1 or more, and not less than `core`.
  size_t queue = 0;  // Tasks that wait for a thread.
  // What finds neither a thread nor a place in the queue is run by who submits it.
  bool caller_runs = false;
};

// Threads that run tasks. As in java.util.concurrent's: up to `core` threads are made first, then
// tasks are queued, and only when the queue is full are more threads made; those end once there is
// nothing to do. Thread-safe.
class ThreadPool {
 public:
  explicit ThreadPool(const ThreadPoolOptions& options);
  // Waits for all tasks, also those in the queue. Not to be called by one of them.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs it, soon. False if there is no place for it. Tasks must not throw.
  bool Submit(std::function<void()> task);

 private:
  void Work();
  void JoinEnded();

  const ThreadPoolOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  std::vector<std::thread> ended_;  // Are joined by whoever comes next.
  size_t busy_ = 0;                 // Threads that run a task.
  bool stops_ = false;
};

}  // namespace fusebox

#endif  // FUSEBOX_THREAD_POOL_H_
