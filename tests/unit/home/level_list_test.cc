#include "supervisor/home/level_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace llrun {
namespace {

TEST(LevelList, KnowsShells) {
  EXPECT_TRUE(is_shell("bash"));
  EXPECT_TRUE(is_shell("-zsh"));
  EXPECT_FALSE(is_shell("python3"));
  EXPECT_FALSE(is_shell("bashful"));
}

TEST(LevelList, NamesAndPaths) {
  const std::vector<std::string> list{"povray", "sim-*", "/opt/sim/*"};
  EXPECT_TRUE(is_listed(list, {"povray", "povray", "/usr/bin/povray"}));
  EXPECT_TRUE(is_listed(list, {"sim-7", "sim-7", "/home/u/sim-7"}));
  EXPECT_TRUE(is_listed(list, {"dash", "sim-7", "/usr/bin/dash"})) << "a script of that name";
  EXPECT_TRUE(is_listed(list, {"fluid", "fluid", "/opt/sim/fluid"}));
  EXPECT_FALSE(is_listed(list, {"fluid", "fluid", "/opt/sim/old/fluid"}));
  EXPECT_FALSE(is_listed(list, {"ls", "ls", "/usr/bin/ls"}));
  EXPECT_FALSE(is_listed({}, {"ls", "ls", "/usr/bin/ls"}));
  const std::vector<std::string> long_name{"a-very-long-program"};
  EXPECT_TRUE(is_listed(long_name, {"dash", "a-very-long-pro", "/usr/bin/dash"}));
}

}  // namespace
}  // namespace llrun
