#include "fusebox/thread_pool.h"

#include <algorithm>
#include <utility>

namespace fusebox {

ThreadPool::ThreadPool(const ThreadPoolOptions& options) : options_(options) {}

ThreadPool::~ThreadPool() {
  std::unique_lock<std::mutex> lock(mutex_);
  stops_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_.empty(); });
  JoinEnded();
}

bool ThreadPool::Submit(std::function<void()> task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    JoinEnded();
    const size_t free = threads_.size() - busy_;  // Each is about to take a task.
    const size_t queued = tasks_.size() - std::min(tasks_.size(), free);
    const bool is_claimed = tasks_.size() >= free;
    const bool starts =
        is_claimed &&
        (threads_.empty() || threads_.size() < options_.core ||
         (queued >= options_.queue && threads_.size() < std::max<size_t>(options_.max, 1)));
    if (!is_claimed || starts || queued < options_.queue) {
      if (starts) threads_.emplace_back([this] { Work(); });  // It waits for the mutex.
      tasks_.push_back(std::move(task));
      changed_.notify_one();
      return true;
    }
  }
  if (options_.caller_runs) task();
  return options_.caller_runs;
}

void ThreadPool::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    const bool is_needed = !stops_ && threads_.size() <= options_.core;
    if (is_needed) changed_.wait(lock, [this] { return !tasks_.empty() || stops_; });
    if (tasks_.empty()) break;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    ++busy_;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    --busy_;
  }
  const auto self = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& thread) {
    return thread.get_id() == std::this_thread::get_id();
  });
  ended_.push_back(std::move(*self));
  threads_.erase(self);
  changed_.notify_all();
}

void ThreadPool::JoinEnded() {
  for (std::thread& thread : ended_) thread.join();
  ended_.clear();
}

}  // namespace fusebox
