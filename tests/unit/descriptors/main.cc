// All that is tested here is the right of an ordinary user.
#include <gtest/gtest.h>
#include <unistd.h>

#include "descriptors/child.h"

int main(int argc, char** argv) {
  llrun::test::become_ordinary_user();
  ::setpgid(0, 0);  // what runs the tests may be of another user: it must not look like one of a
                    // pipeline with us
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
