#include <gtest/gtest.h>

#include "tests/kernel/homefs/world.h"

int main(int argc, char** argv) {
  llrun::homefs::testing::become_ordinary_user();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
