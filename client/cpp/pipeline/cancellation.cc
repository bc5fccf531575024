#include "fusebox/cancellation.h"

#include <utility>

namespace fusebox {

Cancellation::Callback::Callback(std::shared_ptr<Cancellation> cancellation,
                                 std::function<void()> function)
    : cancellation_(std::move(cancellation)) {
  if (cancellation_ != nullptr) number_ = cancellation_->Add(std::move(function));
}

Cancellation::Callback::~Callback() {
  if (number_ != 0) cancellation_->Remove(number_);
}

void Cancellation::Cancel() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (std::exchange(cancelled_, true)) return;
  runner_ = std::this_thread::get_id();
  while (!callbacks_.empty()) {
    auto first = callbacks_.extract(callbacks_.begin());
    running_ = first.key();
    lock.unlock();
    first.mapped()();
    first = {};  // What it held may be a callback of this.
    lock.lock();
    running_ = 0;
    done_.notify_all();
  }
}

bool Cancellation::IsCancelled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

uint64_t Cancellation::Add(std::function<void()> function) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!cancelled_) {
      callbacks_[++last_number_] = std::move(function);
      return last_number_;
    }
  }
  function();
  return 0;
}

void Cancellation::Remove(uint64_t number) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (callbacks_.erase(number) != 0) return;
  if (running_ == number && runner_ == std::this_thread::get_id()) return;
  done_.wait(lock, [&] { return running_ != number; });
}

}  // namespace fusebox
