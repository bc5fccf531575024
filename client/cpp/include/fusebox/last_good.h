#ifndef FUSEBOX_LAST_GOOD_H_
#define FUSEBOX_LAST_GOOD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"
#include "fusebox/call_time.h"

namespace fusebox {

// The last good answer by key, for as long as it may still be given: at most `capacity` of them, of
// which the one goes first that was not put or got for longest. T is copied. Thread-safe.
template <typename T>
class LastGood {
 public:
  // `time` outlives it.
  LastGood(size_t capacity, absl::Duration max_age, const CallTime& time = CallTime::OfMachine())
      : capacity_(std::max<size_t>(capacity, 1)), max_age_(max_age), time_(time) {}

  void Put(const std::string& key, T value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Erase(key);
    answers_.push_front({key, std::move(value), time_.NanosAfter(max_age_)});
    places_[key] = answers_.begin();
    if (answers_.size() > capacity_) Erase(std::string(answers_.back().key));
  }

  // Nothing if none is known that is young enough.
  std::optional<T> Get(const std::string& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    if (found->second->expires <= time_.NowNanos()) {
      Erase(key);
      return std::nullopt;
    }
    answers_.splice(answers_.begin(), answers_, found->second);
    return found->second->value;
  }

 private:
  struct Answer {
    std::string key;
    T value;
    int64_t expires;
  };

  void Erase(const std::string& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    answers_.erase(found->second);
    places_.erase(found);
  }

  const size_t capacity_;
  const absl::Duration max_age_;
  const CallTime& time_;
  std::mutex mutex_;
  std::list<Answer> answers_;
  std::unordered_map<std::string, typename std::list<Answer>::iterator> places_;
};

}  // namespace fusebox

#endif  // FUSEBOX_LAST_GOOD_H_
