// A peer that answers as scripted: how often it is asked, and what comes of it.
#include <gtest/gtest.h>

#include <vector>

#include "supervisor/clock/readings.h"
#include "supervisor/home/clock_survey.h"

namespace llrun {
namespace {

class SurveyTest : public testing::Test {
 protected:
  // The peer's clocks are a second ahead; the answer to the question that is open is heard `late`
  // after it could have been.
  void answer(std::chrono::nanoseconds late) {
    protocol::ClockAnswer said;
    said.set_number(asked_.back());
    auto now = read_clocks();
    auto there = now;
    there.monotonic_ns += 1'000'000'000;
    there.boottime_ns += 1'000'000'000;
    *said.mutable_received() = *said.mutable_answered() = told(there);
    now.monotonic_ns += late.count();
    now.boottime_ns += late.count();
    survey_.on_answer(said, now);
  }
  std::vector<std::uint64_t> asked_;
  std::vector<ClockEstimate> found_;
  ClockSurvey survey_{[this](const protocol::JobMessage& message) {
                        asked_.push_back(message.clock_question().number());
                      },
                      [this](const ClockEstimate& clocks) { found_.push_back(clocks); }};
};

TEST_F(SurveyTest, OneQuestionAfterTheOtherAndTheBestAnswerCounts) {
  survey_.begin();
  for (int i = 0; i < ClockSurvey::kMost; ++i) {
    EXPECT_EQ(asked_.size(), i + 1U);
    EXPECT_TRUE(found_.empty());
    answer(std::chrono::milliseconds(i == 4 ? 0 : 40));
  }
  EXPECT_EQ(asked_.size(), static_cast<std::size_t>(ClockSurvey::kMost));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_LE(std::abs(found_[0].monotonic_ns - 1'000'000'000), found_[0].error_ns);
  EXPECT_LT(found_[0].error_ns, std::chrono::nanoseconds(std::chrono::milliseconds(20)).count());
}

TEST_F(SurveyTest, AFarPeerIsAskedThreeTimes) {
  survey_.begin();
  for (int i = 0; i < ClockSurvey::kLeast; ++i) answer(std::chrono::seconds(2));
  EXPECT_EQ(asked_.size(), static_cast<std::size_t>(ClockSurvey::kLeast));
  EXPECT_EQ(found_.size(), 1U);
}

TEST_F(SurveyTest, WhatWasNotAskedIsNotHeard) {
  survey_.begin();
  protocol::ClockAnswer unasked;
  unasked.set_number(asked_[0] + 1);
  for (int i = 0; i < 20; ++i) survey_.on_answer(unasked);
  EXPECT_EQ(asked_.size(), 1U);
  EXPECT_TRUE(found_.empty());
}

}  // namespace
}  // namespace llrun
