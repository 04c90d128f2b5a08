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
