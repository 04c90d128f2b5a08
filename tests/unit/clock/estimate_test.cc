// Scripted exchanges: what the other's clocks show is known here, and must be found out.
#include "supervisor/clock/estimate.h"

#include <gtest/gtest.h>

#include <random>

namespace llrun {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr ClockReading kAhead{-7'000'000'000, 5'000'000'000, -500 * kMillisecond};

ClockReading here(std::int64_t time) {
  return {1'000'000'000'000 + time, 2'000'000'000'000 + time, 1'700'000'000'000'000'000 + time};
}

ClockReading there(std::int64_t time) {
  const auto now = here(time);
  return {now.monotonic_ns + kAhead.monotonic_ns, now.boottime_ns + kAhead.boottime_ns,
          now.realtime_ns + kAhead.realtime_ns};
}

// Begun at `time`: so long on the way there, in the other's hands, and on the way back.
ClockExchange exchange(std::int64_t time, std::int64_t out, std::int64_t held, std::int64_t back) {
  return {here(time), there(time + out), there(time + out + held), here(time + out + held + back)};
}

void expect_right(const ClockEstimate& estimate) {
  EXPECT_LE(std::abs(estimate.monotonic_ns - kAhead.monotonic_ns), estimate.error_ns);
  EXPECT_LE(std::abs(estimate.boottime_ns - kAhead.boottime_ns), estimate.error_ns);
  EXPECT_LE(std::abs(estimate.realtime_ns - kAhead.realtime_ns), estimate.error_ns);
}

TEST(ClockFilter, KnowsNothingBeforeAnExchange) { EXPECT_FALSE(ClockFilter().estimate()); }

TEST(ClockFilter, HowLongTheOtherThinksDoesNotMatter) {
  ClockFilter filter;
  filter.add(exchange(0, kMillisecond, 90'000 * kMillisecond, kMillisecond));
  ASSERT_TRUE(filter.estimate());
  expect_right(*filter.estimate());
  EXPECT_LE(filter.estimate()->error_ns, kMillisecond + 1);
}

// On a busy node each message may wait: the one exchange that did not is believed.
TEST(ClockFilter, BelievesTheExchangeWithTheLeastDelay) {
  ClockFilter filter;
  filter.add(exchange(0, 1300 * kMillisecond, 0, 2 * kMillisecond));
  expect_right(*filter.estimate());
  EXPECT_GT(std::abs(filter.estimate()->realtime_ns - kAhead.realtime_ns), 600 * kMillisecond)
      << "what one exchange says under load";
  filter.add(exchange(5'000 * kMillisecond, kMillisecond, 0, kMillisecond));
  filter.add(exchange(9'000 * kMillisecond, 0, 0, 2'400 * kMillisecond));
  EXPECT_EQ(filter.estimate()->realtime_ns, kAhead.realtime_ns);
  EXPECT_EQ(filter.estimate()->monotonic_ns, kAhead.monotonic_ns);
}

// A clock may be set: what was found long ago is forgotten.
TEST(ClockFilter, ForgetsOldOnes) {
  ClockFilter filter;
  auto old = exchange(0, 0, 0, 0);
  old.received.realtime_ns += 3'600'000 * kMillisecond;
  old.answered = old.received;
  filter.add(old);
  for (std::size_t i = 0; i < ClockFilter::kKept; ++i)
    filter.add(exchange(0, kMillisecond, 0, 3 * kMillisecond));
  expect_right(*filter.estimate());
}

TEST(ClockFilter, IsNeverMoreWrongThanItSays) {
  std::mt19937_64 random(1);
  const auto up_to = [&](std::int64_t most) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most));
  };
  for (int run = 0; run < 1000; ++run) {
    ClockFilter filter;
    for (int i = 0; i < 5; ++i)
      filter.add(exchange(i * 1'000 * kMillisecond, up_to(2'000 * kMillisecond),
                          up_to(2'000 * kMillisecond), up_to(2'000 * kMillisecond)));
    expect_right(*filter.estimate());
  }
}

TEST(ClockFilter, LeavesOutWhatCannotHaveBeen) {
  ClockFilter filter;
  auto early = exchange(0, kMillisecond, kMillisecond, kMillisecond);
  early.heard = early.asked;  // heard before it was answered
  filter.add(early);
  auto backwards = exchange(0, kMillisecond, 0, kMillisecond);
  backwards.answered = there(0);
  filter.add(backwards);
  for (const std::int64_t nonsense : {INT64_MIN, INT64_MAX, std::int64_t{-1}}) {
    auto hostile = exchange(0, kMillisecond, 0, kMillisecond);
    hostile.received.monotonic_ns = hostile.answered.realtime_ns = nonsense;
    filter.add(hostile);
  }
  EXPECT_FALSE(filter.estimate());
}

// This node slept while the answer was on its way: on the clock that stood still it was quick.
TEST(ClockFilter, AnExchangeOverASleepIsASlowOne) {
  ClockFilter filter;
  auto slept = exchange(0, kMillisecond, 0, kMillisecond);
  slept.heard.boottime_ns += 60'000 * kMillisecond;
  slept.heard.realtime_ns += 60'000 * kMillisecond;
  filter.add(slept);
  filter.add(exchange(90'000 * kMillisecond, 20 * kMillisecond, 0, 20 * kMillisecond));
  expect_right(*filter.estimate());
  EXPECT_LE(filter.estimate()->error_ns, 20 * kMillisecond + 1);
}

TEST(ClockQuestions, AnAnswerIsHeardOnce) {
  ClockQuestions questions;
  const auto number = questions.ask(here(0));
  EXPECT_NE(number, 0U);
  EXPECT_FALSE(questions.heard(number + 1, there(1), there(1), here(2)));
  EXPECT_EQ(questions.heard(number, there(1), there(3), here(4)), 2);
  EXPECT_FALSE(questions.heard(number, there(1), there(3), here(4)));
  EXPECT_TRUE(questions.estimate());
}

TEST(ClockQuestions, ThoseThatAreNotAnsweredAreGivenUp) {
  ClockQuestions questions;
  const auto first = questions.ask(here(0));
  for (int i = 0; i < 100; ++i) (void)questions.ask(here(i));
  EXPECT_FALSE(questions.heard(first, there(1), there(1), here(200)));
}

TEST(UntilShown, WaitsForTheClockThatIsFurtherBehind) {
  EXPECT_EQ(until_shown({100, 200, 0}, {100, 200, 0}).count(), 0);
  EXPECT_EQ(until_shown({100, 200, 0}, {90, 150, 0}).count(), 50);
  EXPECT_EQ(until_shown({100, 200, 0}, {500, 900, 0}).count(), 0);
  EXPECT_EQ(until_shown({INT64_MIN, INT64_MIN, 0}, {500, 900, 0}).count(), 0);
}

}  // namespace
}  // namespace llrun
