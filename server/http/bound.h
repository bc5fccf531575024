#ifndef FUSEBOX_SERVER_HTTP_BOUND_H_
#define FUSEBOX_SERVER_HTTP_BOUND_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

namespace fusebox {

// Something that was taken, and is given back when this ends. Empty if there was none.
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

// How much of something is taken, of so much as there may be. Thread-safe.
class Bound {
 public:
  explicit Bound(size_t most) : most_(most) {}

  // Takes so much of it, until that is given back; empty if there is not so much left.
  Place Take(size_t amount = 1) {
    if (taken_.fetch_add(amount) + amount > most_) {
      taken_.fetch_sub(amount);
      return Place();
    }
    return Place([this, amount] { taken_.fetch_sub(amount); });
  }

 private:
  const size_t most_;
  std::atomic<size_t> taken_{0};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_HTTP_BOUND_H_
