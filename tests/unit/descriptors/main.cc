// All that is tested here is the right of an ordinary user.
#include <gtest/gtest.h>

#include "descriptors/child.h"

int main(int argc, char** argv) {
  llrun::test::become_ordinary_user();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
