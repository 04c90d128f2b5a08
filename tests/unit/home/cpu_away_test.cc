#include "supervisor/home/cpu_away.h"

#include <gtest/gtest.h>

namespace llrun {
namespace {

image::Process process(std::uint64_t all_ns,
                       const std::vector<std::pair<int, std::uint64_t>>& threads) {
  image::Process process;
  process.set_cpu_time_ns(all_ns);
  for (const auto& [tid, ns] : threads) {
    process.add_threads()->set_tid(tid);
    process.mutable_threads()->rbegin()->set_cpu_time_ns(ns);
  }
  return process;
}

TEST(CpuAway, AddsUpOverJourneys) {
  CpuAway away;
  away.note(process(100, {{7, 60}, {8, 30}}));
  away.note(process(50, {{7, 20}, {9, 10}}));
  auto leaving = process(1000, {{7, 500}, {8, 1}, {9, 2}, {10, 3}});
  away.add_to(leaving);
  EXPECT_EQ(leaving.cpu_time_ns(), 1150U);
  EXPECT_EQ(leaving.threads(0).cpu_time_ns(), 580U);
  EXPECT_EQ(leaving.threads(1).cpu_time_ns(), 1U);  // another thread under an id that was free
  EXPECT_EQ(leaving.threads(2).cpu_time_ns(), 12U);
  EXPECT_EQ(leaving.threads(3).cpu_time_ns(), 3U);
}

}  // namespace
}  // namespace llrun
