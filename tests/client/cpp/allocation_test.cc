// What calls meet most allocates nothing: every way to allocate is counted.
#include <atomic>
#include <cstdlib>
#include <new>

#include "client/cpp/local_fixture.h"

namespace {

std::atomic<uint64_t> allocations{0};

void* Allocate(size_t size, size_t alignment) {
  ++allocations;
  void* const memory =
      std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](size_t size) { return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace fusebox::internal {
namespace {

class AllocationTest : public LocalTest {
 protected:
  // How often `act` allocates, once everything that comes with traffic is there.
  template <typename Act>
  static uint64_t CountAllocations(const Act& act) {
    for (int i = 0; i < 100; ++i) act();
    const uint64_t before = allocations;
    for (int i = 0; i < 1'000; ++i) act();
    return allocations - before;
  }
};

TEST_F(AllocationTest, TheCountCounts) {
  EXPECT_EQ(CountAllocations([] { delete new int; }), 1'000u);
}

TEST_F(AllocationTest, SuccessesAllocateNothing) {
  PushClosed();
  EXPECT_EQ(CountAllocations([this] { Call(); }), 0u);
}

TEST_F(AllocationTest, FailuresAllocateNothing) {
  PushClosed();
  EXPECT_EQ(CountAllocations([this] {
              Call(Outcome::kFailure);
              Call();
            }),
            0u);
}

TEST_F(AllocationTest, TimedCallsAllocateNothing) {
  Policy policy;
  policy.circuit_breaker.slow_call_rate_threshold = Share::FromFraction(0.9);  // It does not trip.
  policy.circuit_breaker.slow_call_duration_threshold = absl::Milliseconds(100);
  PushPolicy(policy);
  EXPECT_EQ(CountAllocations([this] {
              Breaker::Permit fast = Ask();
              fast.Succeed();
              Breaker::Permit slow = Ask();
              clock_.Pass(absl::Seconds(1));
              slow.Succeed();
            }),
            0u);
}

TEST_F(AllocationTest, RefusalsAllocateNothing) {
  PushOpen(absl::Hours(1));
  EXPECT_EQ(CountAllocations([this] { Call(); }), 0u);
}

TEST_F(AllocationTest, CallsWithoutAServerAllocateNothing) {
  EXPECT_EQ(CountAllocations([this] {
              Call(Outcome::kFailure);
              Call();
              Call();
            }),
            0u);
}

// What the server lends it allocates when it comes.
TEST_F(AllocationTest, CallsWithWhatTheServerLendsAllocateNothing) {
  Policy policy;
  policy.bulkhead.max_concurrent = 10'000;
  PushPolicy(policy);
  uint64_t in_calls = 0;
  for (int round = 0; round < 100; ++round) {
    const uint64_t before = allocations;
    Passed(50);
    if (round > 2) in_calls += allocations - before;
    LocalBreaker::News news = breaker_.TakeNews();
    for (const PermitWish& wish : news.wishes) {
      breaker_.Lend({.permits = std::vector<std::string>(wish.count, std::string(60, 'p'))});
    }
  }
  EXPECT_EQ(in_calls, 0u);
}

}  // namespace
}  // namespace fusebox::internal
