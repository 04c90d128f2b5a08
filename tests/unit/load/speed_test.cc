#include "supervisor/load/speed.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace llrun::load {
namespace {

// A machine on which the measurements come out as said.
class SpeedTest : public testing::Test {
 protected:
  SpeedTest() {
    char name[] = "/tmp/llrun-speed-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~SpeedTest() override {
    ::unlink((directory_ + "/speed").c_str());
    ::rmdir(directory_.c_str());
  }
  CoreSpeeds speeds(std::vector<double> script, std::string model = "a CPU") {
    script_ = std::move(script);
    at_ = 0;
    return {directory_ + "/speed", std::move(model),
            [this] { return script_[std::min(at_++, script_.size() - 1)]; }};
  }
  std::string directory_;
  std::vector<double> script_;
  std::size_t at_ = 0;
};

TEST_F(SpeedTest, TheBestOfManyCountsAndLaterOnesToo) {
  auto measured = speeds({1.2, 1.8, 1.1, 1.0});
  EXPECT_EQ(measured.own(), 1.8);
  script_ = {1.3, 2.0, 0.5};
  at_ = 0;
  for (int i = 0; i < CoreSpeeds::kMeasurements; ++i) measured.measure_again();
  EXPECT_EQ(measured.own(), 2.0);
  EXPECT_EQ(at_, CoreSpeeds::kMeasurements - 10U) << "not for ever";
}

TEST_F(SpeedTest, ItIsKeptForThisCpuAndMeasuredOn) {
  EXPECT_EQ(speeds({2.0}).own(), 2.0);
  auto later = speeds({1.5});
  EXPECT_EQ(at_, 0U) << "measured already";
  later.measure_again();
  EXPECT_EQ(later.own(), 2.0);
  EXPECT_EQ(speeds({3.0}, "another CPU").own(), 3.0);
  std::ofstream(directory_ + "/speed") << "7.5 a CPU\n";
  EXPECT_EQ(speeds({1.5}).own(), 1.5) << "as older versions kept it: measured once";
}

// The same processor, measured beside others' work: one node found 1.8, the other 2.2.
TEST_F(SpeedTest, EqualNodesAreEqual) {
  auto one = speeds({1.8});
  ::unlink((directory_ + "/speed").c_str());
  auto other = speeds({2.2});
  EXPECT_EQ(one.heard("a CPU", other.own()), 2.2);
  EXPECT_EQ(one.own(), 2.2);
  EXPECT_EQ(other.heard("a CPU", one.own()), 2.2);
  EXPECT_EQ(other.heard("a CPU", 1.8), 2.2) << "what it said before it had heard";
  EXPECT_EQ(other.own(), 2.2);
}

TEST_F(SpeedTest, OthersAreAsTheySay) {
  auto here = speeds({2.0});
  EXPECT_EQ(here.heard("another CPU", 1.0), 1.0);
  EXPECT_EQ(here.heard("another CPU", 1.2), 1.2);
  EXPECT_EQ(here.heard("another CPU", 1.0), 1.2) << "of two with the same, the better";
  EXPECT_EQ(here.heard("", 5.0), 5.0);
  EXPECT_EQ(here.heard("a CPU", 30.0), 30.0) << "a name is no proof";
  EXPECT_EQ(here.own(), 2.0);
  EXPECT_EQ(here.heard("a CPU", 2.2), 2.2);
  EXPECT_EQ(here.own(), 2.2) << "the strange one has spoilt nothing";
  for (double told = 2.5; told < 30; told *= 1.2) (void)here.heard("a CPU", told);
  EXPECT_LE(here.own(), 2.0 * CoreSpeeds::kAlike) << "nor by small steps";
}

TEST_F(SpeedTest, AProcessorHasASpeed) { EXPECT_GT(measure_core_speed(), 0); }

}  // namespace
}  // namespace llrun::load
