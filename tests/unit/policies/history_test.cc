#include "policies/history.h"

#include <gtest/gtest.h>

#include "policies/hints.h"

namespace llrun::policies {
namespace {

ProgramHistory runs_of(double cpu_s, int count) {
  ProgramHistory history;
  for (int i = 0; i < count; ++i) history.record({cpu_s, 0, 1e6, 0});
  return history;
}

TEST(Remaining, IsAsMuchAgainWithoutHistory) {
  EXPECT_NEAR(remaining_cpu_s(nullptr, 7), 7, 1e-9);
  const ProgramHistory empty;
  EXPECT_NEAR(remaining_cpu_s(&empty, 7), 7, 1e-6);
}

TEST(Remaining, ALongProgramIsKnownToBeLongAtItsStart) {
  const ProgramHistory povray = runs_of(600, 30);
  EXPECT_GT(remaining_cpu_s(&povray, 1), 300);
}

TEST(Remaining, AShortProgramIsNotTakenForLong) {
  const ProgramHistory compiler = runs_of(4, 100);
  EXPECT_LT(remaining_cpu_s(&compiler, 3.5), 2);
}

TEST(Remaining, BeyondAllExperienceTheLawHolds) {
  const ProgramHistory compiler = runs_of(4, 100);
  EXPECT_NEAR(remaining_cpu_s(&compiler, 50), 50, 1);
}

TEST(Remaining, TheOldIsForgottenAsTheProgramChanges) {
  ProgramHistory program = runs_of(1000, 200);
  for (int i = 0; i < 150; ++i) program.record({0.5, 0, 0, 0});
  EXPECT_LT(*expected_cpu_s(&program), 1);
}

TEST(Expected, NeedsMoreThanOneRun) {
  EXPECT_FALSE(expected_cpu_s(nullptr));
  const ProgramHistory once = runs_of(5, 1);
  EXPECT_FALSE(expected_cpu_s(&once));
  const ProgramHistory often = runs_of(5, 10);
  EXPECT_NEAR(*expected_cpu_s(&often), 5, 1.2);
}

TEST(SketchTest, MergingIsAsIfAllHadBeenSeenInOnePlace) {
  Sketch both, left, right;
  for (int i = 1; i <= 100; ++i) {
    (i % 2 == 0 ? left : right).add(i * 0.1);
    both.add(i * 0.1);
  }
  left.merge(right);
  EXPECT_EQ(left.text(), both.text());
}

TEST(SketchTest, QuantilesAreWithinAClass) {
  Sketch sketch;
  for (int i = 1; i <= 1000; ++i) sketch.add(i);
  for (const double part : {0.1, 0.5, 0.9})
    EXPECT_NEAR(sketch.quantile(part) / (1000 * part), 1, 0.2);
  EXPECT_NEAR(sketch.mean() / 500, 1, 0.1);
  EXPECT_NEAR(sketch.survival(100, 550), 0.5, 0.1);
}

TEST(SketchTest, ReadsWhatItWroteAndRefusesOtherText) {
  Sketch sketch;
  sketch.add(3);
  sketch.add(700);
  const auto again = Sketch::parse(sketch.text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->text(), sketch.text());
  EXPECT_TRUE(Sketch::parse(""));
  for (const char* bad : {"x", "3", "3:", "3:-1", "96:1", "-1:1", "3:1,4:1", "3:inf", "3:nan"})
    EXPECT_FALSE(Sketch::parse(bad)) << bad;
}

TEST(HintsTest, TheWholePathCountsBeforeTheName) {
  Hints hints;
  ASSERT_TRUE(hints.add("povray", "long"));
  ASSERT_TRUE(hints.add("/opt/povray", "never"));
  EXPECT_TRUE(hints.find("/opt/povray")->never);
  EXPECT_FALSE(hints.find("/usr/bin/povray")->never);
  EXPECT_EQ(hints.find("/usr/bin/ls"), nullptr);
}

TEST(HintsTest, ReadTimesAndRefuseTheRestInWords) {
  EXPECT_EQ(*parse_hint("5m")->expected_s, 300);
  EXPECT_EQ(*parse_hint("90")->expected_s, 90);
  for (const char* bad : {"", "soon", "5d", "-3"}) {
    const auto hint = parse_hint(bad);
    ASSERT_FALSE(hint) << bad;
    EXPECT_NE(hint.error().message().find("never, short, long"), std::string::npos);
  }
}

TEST(HintsTest, AProgramThatOutlivesItsHintIsJudgedByTheLaw) {
  const Hint hint{false, 10};
  EXPECT_EQ(hinted_remaining_s(&hint, 4), 6);
  EXPECT_FALSE(hinted_remaining_s(&hint, 11));
}

}  // namespace
}  // namespace llrun::policies
