#ifndef FUSEBOX_CANCELLATION_H_
#define FUSEBOX_CANCELLATION_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace fusebox {

// Whether anybody still wants the answer of a call. Thread-safe.
class Cancellation {
 public:
  // Runs a function when a call is cancelled, or at once if it has been; as long as it lives. Its
  // destructor waits for the function to return, unless it is called by it.
  class Callback {
   public:
    // `cancellation` may be null: nobody cancels.
    Callback(std::shared_ptr<Cancellation> cancellation, std::function<void()> function);
    ~Callback();
    Callback(const Callback&) = delete;
    Callback& operator=(const Callback&) = delete;

   private:
    const std::shared_ptr<Cancellation> cancellation_;
    uint64_t number_ = 0;
  };

  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // Runs all callbacks, with nothing locked. Once is enough.
  void Cancel();
  bool IsCancelled() const;

 private:
  uint64_t Add(std::function<void()> function);  // 0: it was run already.
  void Remove(uint64_t number);

  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::map<uint64_t, std::function<void()>> callbacks_;
  uint64_t last_number_ = 0;
  uint64_t running_ = 0;  // The callback that is being run; 0: none.
  std::thread::id runner_;
  bool cancelled_ = false;
};

}  // namespace fusebox

#endif  // FUSEBOX_CANCELLATION_H_
