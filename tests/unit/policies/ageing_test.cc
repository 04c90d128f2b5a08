#include "policies/ageing.h"

#include <gtest/gtest.h>

#include "policies/sim/processor.h"
#include "policies/strategy/strategy.h"

namespace llrun::policies {
namespace {

TEST(Ageing, TheShareIsInInverseProportionToTheAge) {
  const Ageing ageing(2);
  EXPECT_EQ(ageing.nice_at(0), 0);
  EXPECT_EQ(ageing.nice_at(2), 0);
  for (const double age_s : {3.0, 4.0, 5.0, 6.0})
    EXPECT_NEAR(nice_weight(ageing.nice_at(age_s)), 2 / age_s, 0.13 * 2 / age_s) << age_s;
  EXPECT_EQ(ageing.nice_at(1e9), kOldestNice);
  EXPECT_EQ(Ageing(0).nice_at(1e9), 0) << "never";
}

TEST(Ageing, OnlyEverGrows) {
  const Ageing ageing(0.5);
  int before = 0;
  for (double age_s = 0.01; age_s < 1e4; age_s *= 1.01) {
    EXPECT_GE(ageing.nice_at(age_s), before) << age_s;
    before = ageing.nice_at(age_s);
  }
}

TEST(Ageing, IsWhatTheStrategySays) {
  const auto nice = [](std::string_view name, double ageing_s) {
    StrategyOptions options;
    if (ageing_s >= 0) options.numbers["ageing_s"] = ageing_s;
    const auto strategy = make_strategy(name, options);
    EXPECT_TRUE(strategy) << name;
    return (*strategy)->guest_nice(100);
  };
  EXPECT_EQ(nice("hindrance", -1), kOldestNice);
  EXPECT_EQ(nice("hindrance", 0), 0);
  EXPECT_EQ(nice("lifetime", -1), 0);
  EXPECT_EQ(nice("lifetime", 2), kOldestNice);
  EXPECT_EQ(nice("combined", 2), kOldestNice);
  EXPECT_EQ(nice("none", -1), 0);
}

namespace processor {

using sim::Processor;

TEST(Processor, EqualsShareEqually) {
  Processor cpu(1, 2);
  cpu.enter(0, 1, 4);
  cpu.enter(0, 2, 1);
  EXPECT_DOUBLE_EQ(cpu.next_end_s(), 1);
  cpu.advance(1);
  ASSERT_TRUE(cpu.has_ended());
  EXPECT_EQ(cpu.next_id(), 2U);
  EXPECT_DOUBLE_EQ(cpu.leave(1, 2), 1);
  EXPECT_DOUBLE_EQ(cpu.next_end_s(), 2.5) << "alone on a core of speed 2";
}

TEST(Processor, SharesByTheWeightOfNiceness) {
  Processor cpu(1, 1);
  cpu.enter(0, 1, 100, 0);
  cpu.enter(0, 2, 100, 10);
  const double got = cpu.leave(10, 1);
  const double other = cpu.leave(10, 2);
  EXPECT_NEAR(got / other, 1 / nice_weight(10), 1e-9);
  EXPECT_NEAR(got + other, 10, 1e-9) << "nothing is lost";
  EXPECT_NEAR(cpu.busy_cpu_s(), 10, 1e-9);
}

TEST(Processor, NobodyGetsMoreThanACore) {
  Processor cpu(2, 1);
  cpu.enter(0, 1, 100, 0);
  cpu.enter(0, 2, 100, 10);
  cpu.enter(0, 3, 100, 10);
  EXPECT_NEAR(cpu.leave(10, 1), 10, 1e-9) << "a whole core, not two thirds of two";
  EXPECT_NEAR(cpu.leave(10, 2), 5, 1e-9);
  EXPECT_NEAR(cpu.leave(10, 3), 5, 1e-9);
}

TEST(Processor, OneThatIsRenicedKeepsWhatItHas) {
  Processor cpu(1, 1);
  cpu.enter(0, 1, 10);
  cpu.enter(0, 2, 100);
  cpu.renice(4, 1, 10);
  EXPECT_NEAR(cpu.next_end_s(), 4 + 8 * (1 + 1 / nice_weight(10)), 1e-9);
  cpu.leave(4, 2);
  EXPECT_NEAR(cpu.next_end_s(), 12, 1e-9) << "two of ten seconds, and then alone";
  EXPECT_NEAR(cpu.leave(12, 1), 10, 1e-9);
}

// Whatever comes and goes: cores are never idle while somebody could use them.
TEST(Processor, WorkIsConserved) {
  Processor cpu(3, 0.5);
  double entered = 0, received = 0;
  for (std::uint32_t id = 0; id < 50; ++id) {
    const double cpu_s = 1 + id % 7;
    cpu.enter(0.1 * id, id, cpu_s, static_cast<int>(id % 11));
    entered += cpu_s;
  }
  for (std::uint32_t ended = 0; ended < 50; ++ended) {
    const double at = cpu.next_end_s();
    cpu.advance(at);
    ASSERT_TRUE(cpu.has_ended());
    received += cpu.leave(at, cpu.next_id());
  }
  EXPECT_NEAR(received, entered, 1e-6);
  EXPECT_NEAR(cpu.busy_cpu_s(), entered, 1e-6);
  EXPECT_EQ(cpu.next_end_s(), Processor::kNever);
}

}  // namespace processor
}  // namespace
}  // namespace llrun::policies
