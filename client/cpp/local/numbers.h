#ifndef FUSEBOX_CLIENT_CPP_LOCAL_NUMBERS_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_NUMBERS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "core/transition.h"

namespace fusebox::internal {

// A client's own epochs, which never leave it, and its randomness. Lock-free, thread-safe.
class Numbers : public TransitionSource {
 public:
  explicit Numbers(uint64_t seed) : random_(seed) {}

  uint64_t NextEpoch() override { return epoch_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t NextNumber() override { return number_.fetch_add(1, std::memory_order_relaxed); }
  // SplitMix64 (Steele, Lea, Flood 2014) of a shared counter.
  uint64_t RandomBits() override {
    constexpr uint64_t kGamma = 0x9e3779b97f4a7c15;
    uint64_t z = random_.fetch_add(kGamma, std::memory_order_relaxed) + kGamma;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::atomic<uint64_t> epoch_{1};
  std::atomic<uint64_t> number_{1};
  std::atomic<uint64_t> random_;
};

// 16 random bytes.
inline std::string RandomId(TransitionSource& random) {
  std::string id;
  for (int i = 0; i < 2; ++i) {
    const uint64_t bits = random.RandomBits();
    id.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  return id;
}

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_NUMBERS_H_
