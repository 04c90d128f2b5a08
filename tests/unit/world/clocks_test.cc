#include "supervisor/world/clocks.h"

#include <gtest/gtest.h>

namespace llrun::world {
namespace {

TEST(Clocks, OffsetsOfEitherSignAreWrittenAsTheKernelReadsThem) {
  EXPECT_EQ(timens_text({1'500'000'000, 0}), "monotonic 1 500000000\nboottime 0 0\n");
  EXPECT_EQ(timens_text({-1, -2'000'000'000}), "monotonic -1 999999999\nboottime -2 0\n");
}

}  // namespace
}  // namespace llrun::world
