#include "server/rpc/repeat.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace fusebox {
namespace {

// What is done at once costs no other thread.
TEST(RepeatUntilDoneTest, TheFirstStepIsMadeAtOnce) {
  std::thread::id made_by;
  RepeatUntilDone([&made_by] {
    made_by = std::this_thread::get_id();
    return true;
  });
  EXPECT_EQ(made_by, std::this_thread::get_id());
}

// Who asked goes on with its own work meanwhile.
TEST(RepeatUntilDoneTest, TheOthersAreMadeOnOtherThreadsUntilOneIsTheLast) {
  constexpr int kSteps = 20;
  int steps = 0;
  std::promise<bool> done;
  RepeatUntilDone([&, caller = std::this_thread::get_id()] {
    if (++steps > 1 && std::this_thread::get_id() == caller) {
      done.set_value(false);
      return true;
    }
    if (steps < kSteps) return false;
    done.set_value(true);
    return true;
  });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(steps, kSteps);
}

}  // namespace
}  // namespace fusebox
