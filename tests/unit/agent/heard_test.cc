#include "supervisor/agent/heard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace llrun::agent {
namespace {

TEST(Heard, LeavesASoundLoadAsItIs) {
  protocol::Load load;
  load.set_running(3.5);
  load.set_capacity(4);
  load.set_pressure_io(-1);
  load.set_incoming(2);
  load.set_interval_ms(1000);
  load.set_cpu_model("a fast one");
  EXPECT_EQ(heard_load(load, {}).SerializeAsString(), load.SerializeAsString());
  const auto heard = heard_load(load, ClockEstimate{0, 0, 41'000'000, 2'000'000});
  load.set_clock_offset_ms(41);
  load.set_clock_error_ms(2);
  EXPECT_EQ(heard.SerializeAsString(), load.SerializeAsString());
}

TEST(Heard, MakesNumbersOfWhatAreNone) {
  protocol::Load load;
  load.set_running(std::numeric_limits<double>::quiet_NaN());
  load.set_run_queue(-std::numeric_limits<double>::infinity());
  load.set_capacity(std::numeric_limits<double>::infinity());
  load.set_pressure_memory(1e300);
  load.set_incoming(UINT32_MAX);     // as an int it is below zero
  load.set_interval_ms(UINT32_MAX);  // silent for months before anybody wonders
  load.set_clock_offset_ms(std::numeric_limits<double>::infinity());
  load.set_cpu_model(std::string(100'000, 'x'));
  const auto heard = heard_load(load, {});
  EXPECT_EQ(heard.running(), 0);
  EXPECT_EQ(heard.run_queue(), 0);
  EXPECT_TRUE(std::isfinite(heard.capacity()));
  EXPECT_EQ(heard.pressure_memory(), 100);
  EXPECT_GT(static_cast<int>(heard.incoming()), 0);
  EXPECT_EQ(heard.interval_ms(), 60'000U);
  EXPECT_FALSE(heard.has_clock_offset_ms()) << "that is ours to find out";
  EXPECT_EQ(heard.cpu_model(), "");
}

TEST(Heard, TellsOfThePeerAloneAndInFewWords) {
  protocol::Load load;
  load.set_node("another");
  load.set_reachable(true);
  load.set_unreachable_why(std::string(100'000, 'x'));
  load.set_rtt_us(1);
  load.set_bandwidth(1e9);
  load.set_accepts_why_not(std::string(100'000, 'x'));
  for (int i = 0; i < 100'000; ++i) load.add_census(1);
  load.GetReflection()->MutableUnknownFields(&load)->AddLengthDelimited(1000,
                                                                        std::string(100'000, 'x'));
  const auto heard = heard_load(load, {});
  EXPECT_EQ(heard.node(), "");
  EXPECT_FALSE(heard.reachable());
  EXPECT_EQ(heard.unreachable_why(), "");
  EXPECT_EQ(heard.rtt_us(), 0);
  EXPECT_EQ(heard.bandwidth(), 0);
  EXPECT_LT(heard.ByteSizeLong(), 2000U);
}

TEST(Heard, RefusesAVisitorThatIsNobody) {
  protocol::Hello hello;
  hello.set_node("b-2.example");
  hello.set_job("b-4711-64c0ffee");
  EXPECT_EQ(nonsense_in(hello), "");
  for (const auto& name : {std::string(), std::string(65, 'b'), std::string("../b"),
                           std::string("b\nc"), std::string("-b")}) {
    hello.set_node(name);
    EXPECT_NE(nonsense_in(hello), "") << name;
  }
  hello.set_node("b");
  hello.set_job(std::string(1000, 'j'));
  EXPECT_NE(nonsense_in(hello), "");
  hello.set_job("");
  hello.set_program(std::string(60'000, 'p'));
  EXPECT_NE(nonsense_in(hello), "");
}

// A number that compares with nothing would be let in whatever the limits are.
TEST(Heard, RefusesAnOfferThatIsNone) {
  protocol::Offer offer;
  offer.set_cpu_rate(1);
  offer.set_at_most_s(-0.5);
  EXPECT_EQ(nonsense_in(offer), "");
  for (const double number : {std::numeric_limits<double>::quiet_NaN(), -1.0, 1e300}) {
    offer.set_cpu_rate(number);
    EXPECT_NE(nonsense_in(offer), "") << number;
  }
}

}  // namespace
}  // namespace llrun::agent
