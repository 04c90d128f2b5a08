#include "supervisor/guest/traffic.h"

#include <gtest/gtest.h>

#include "tests/unit/clock/pretended_sleep.h"

namespace llrun {
namespace {

// Home counts its wait for Confirmed while this node sleeps; who has slept longer must not run on.
TEST(GuestTraffic, OwnSleepIsSilenceUntilHomeHasSeenConfirmed) {
  test::PretendedSleep node;
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  auto traffic = GuestTraffic::create(
      **loop, 1, {[](const auto&) {}, [](auto, const auto&) {}, [](const auto&) {}});
  ASSERT_TRUE(traffic);
  node.write(std::chrono::hours(1));
  EXPECT_GE((*traffic)->silence().count(), 0);
  (*traffic)->sleeps_do_not_count();
  EXPECT_LT((*traffic)->silence(), -std::chrono::minutes(59))
      << "as if the hour before now had been slept through";
}

}  // namespace
}  // namespace llrun
