#include "supervisor/home/attention.h"

#include <gtest/gtest.h>

#include <vector>

namespace llrun {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// A program that is asked about once a second.
class Watched {
 public:
  // A second in which it uses so many cores.
  Attention::Due passes(double cores) {
    now_ += seconds(1);
    used_ += nanoseconds(static_cast<std::int64_t>(cores * 1e9));
    const auto due = attention_.next(now_, used_, rate_);
    if (due.measures) rate_ = cores;
    return due;
  }
  int measures_in(int count, double cores) {
    int measures = 0;
    for (int i = 0; i < count; ++i) measures += passes(cores).measures ? 1 : 0;
    return measures;
  }
  Attention& attention() { return attention_; }
  Attention::Clock::time_point now() const { return now_; }

 private:
  Attention attention_;
  Attention::Clock::time_point now_;
  nanoseconds used_{};
  double rate_ = 0;
};

TEST(Attention, WhatComputesIsMeasuredEverySecond) {
  Watched program;
  EXPECT_EQ(program.measures_in(100, 1.0), 100);
  EXPECT_EQ(program.measures_in(100, 0.02), 100);
}

TEST(Attention, WhatSleepsIsMeasuredWithGrowingPauses) {
  Watched program;
  program.passes(1.0);
  // Once more, by which its rate is known; then after 2, 4, 8, 16 s and every 32.
  EXPECT_EQ(program.measures_in(600, 0), 1 + 4 + 17);
}

TEST(Attention, WhatSleepsIsLookedAtWithGrowingPauses) {
  Watched program;
  program.passes(1.0);
  EXPECT_EQ(program.attention().until_next(), seconds(1));
  program.measures_in(16, 0);
  EXPECT_EQ(program.attention().until_next(), seconds(8));
  program.measures_in(100, 0);
  EXPECT_EQ(program.attention().until_next(), Attention::kLongestLook);
  program.passes(1.0);
  EXPECT_EQ(program.attention().until_next(), seconds(1));
}

TEST(Attention, WhatSleepsIsNotLookedAt) {
  Watched program;
  program.passes(1.0);
  EXPECT_FALSE(program.passes(0).children);
  EXPECT_TRUE(program.passes(0.0001).children);
}

TEST(Attention, WhatWakesIsMeasuredAtOnceAndItsRatesAnew) {
  Watched program;
  program.measures_in(100, 0);
  const auto due = program.passes(0.5);
  EXPECT_TRUE(due.measures);
  EXPECT_TRUE(due.anew);
  EXPECT_FALSE(program.passes(0.5).anew);
}

TEST(Attention, WhatHasJustSleptIsMeasuredUntilItsRateSaysSo) {
  Attention attention;
  const Attention::Clock::time_point start;
  std::ignore = attention.next(start, nanoseconds(0), 0);
  EXPECT_TRUE(attention.next(start + seconds(1), nanoseconds(0), 0.3).measures);
  EXPECT_FALSE(attention.next(start + seconds(2), nanoseconds(0), 0.001).measures);
}

TEST(Attention, WhatCannotBeToldIsLookedAtAlways) {
  Attention attention;
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(
        attention.next(Attention::Clock::time_point() + seconds(i), std::nullopt, 0).measures);
}

TEST(Attention, PinsAreLookedForAtOnceAndThenWithPauses) {
  Watched program;
  std::vector<int> looks;
  for (int second = 0; second < 40; ++second) {
    program.passes(1.0);
    if (!program.attention().pins_due(program.now(), 1.0)) continue;
    looks.push_back(second);
    program.attention().pins_seen(program.now(), second == 12);
  }
  EXPECT_EQ(looks, (std::vector{0, 4, 12, 13, 15, 19, 27, 35}));
}

TEST(Attention, PinsOfWhatSleepsAreNotLookedForAgain) {
  Watched program;
  program.passes(0);
  EXPECT_TRUE(program.attention().pins_due(program.now(), 0));
  program.attention().pins_seen(program.now(), true);
  program.measures_in(1000, 0);
  EXPECT_FALSE(program.attention().pins_due(program.now(), 0));
  program.attention().start_anew();
  EXPECT_TRUE(program.attention().pins_due(program.now(), 0));
}

}  // namespace
}  // namespace llrun
