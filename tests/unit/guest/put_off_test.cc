// What is put off is tried again, ever more seldom, by nobody else than its timer.
#include "supervisor/guest/put_off.h"

#include <gtest/gtest.h>

namespace llrun {
namespace {

TEST(PutOff, IsTriedAgainWithPausesThatGrow) {
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  std::vector<std::chrono::milliseconds> pauses;
  std::unique_ptr<PutOff> put_off;
  put_off = std::make_unique<PutOff>(**loop, [&] {
    EXPECT_FALSE(put_off->waiting());
    if (pauses.size() == 2) return (*loop)->stop();
    put_off->put_off("again");
    pauses.push_back(put_off->pause());
  });
  EXPECT_FALSE(put_off->waiting());
  put_off->put_off("first");
  pauses.push_back(put_off->pause());
  EXPECT_TRUE(put_off->waiting());
  (*loop)->run();
  ASSERT_EQ(pauses.size(), 2);
  EXPECT_EQ(pauses[1], 2 * pauses[0]);
  EXPECT_EQ(put_off->why(), "again");
}

TEST(PutOff, PausesHaveABoundAndAreForgotten) {
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  PutOff put_off(**loop, [] { FAIL(); });
  for (int i = 0; i < 100; ++i) put_off.put_off("held");
  const auto longest = put_off.pause();
  EXPECT_LE(longest, std::chrono::minutes(1));
  put_off.put_off("held");
  EXPECT_EQ(put_off.pause(), longest);
  put_off.skip_pause();  // so soon after the last try there is one more pause
  EXPECT_TRUE(put_off.waiting());
  put_off.forget();
  EXPECT_FALSE(put_off.waiting());
  EXPECT_EQ(put_off.why(), "");
  EXPECT_LT(put_off.pause(), longest);
}

}  // namespace
}  // namespace llrun
