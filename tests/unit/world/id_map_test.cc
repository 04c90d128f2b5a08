#include "supervisor/world/id_map.h"

#include <gtest/gtest.h>

namespace llrun::world {
namespace {

TEST(IdMap, ReadsTheRangesOfOneUser) {
  const auto ranges = parse_subordinate(
      "# comment\nann:100000:65536\nbob:165536:65536\n1000:300000:10\nann:x:1\nann:5\n"
      "ann:4294967295:2\nann:400000:5",
      "ann", 1000);
  ASSERT_EQ(ranges.size(), 3U);
  EXPECT_EQ(ranges[0].first, 100000U);
  EXPECT_EQ(ranges[1].first, 300000U);
  EXPECT_EQ(ranges[2].count, 5U);
  EXPECT_TRUE(parse_subordinate("ann:1:2\n", "", 7).empty());
}

TEST(IdMap, TheOwnIdIsTheUserAndTheOthersAreSubordinate) {
  using Extents = std::vector<IdExtent>;
  EXPECT_EQ(plan_all_ids(1000, 54321, {}, {{100000, 65536}}),
            (Extents{{1000, 54321, 1}, {0, 100000, 1000}, {1001, 101000, 64535}}));
  EXPECT_EQ(plan_all_ids(0, 5, {}, {{100000, 65535}}), (Extents{{0, 5, 1}, {1, 100000, 65535}}));
  EXPECT_EQ(plan_all_ids(65535, 5, {}, {{100000, 65535}}),
            (Extents{{65535, 5, 1}, {0, 100000, 65535}}));
  EXPECT_EQ(
      plan_all_ids(200000, 5, {70000, 200000, 100}, {{100000, 30000}, {300000, 60000}}),
      (Extents{{200000, 5, 1}, {0, 100000, 30000}, {30000, 300000, 35536}, {70000, 335536, 1}}));
}

TEST(IdMap, TooFewSubordinateIdsAreNone) {
  EXPECT_TRUE(plan_all_ids(1000, 5, {}, {}).empty());
  EXPECT_TRUE(plan_all_ids(1000, 5, {}, {{100000, 65534}}).empty());
  EXPECT_TRUE(plan_all_ids(1000, 5, {70000}, {{100000, 65535}}).empty());
}

}  // namespace
}  // namespace llrun::world
