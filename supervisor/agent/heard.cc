#include "supervisor/agent/heard.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace llrun::agent {
namespace {

constexpr double kMost = 1e9;  // of anything: processes, cores, MiB/s, relative speed
constexpr std::uint32_t kMostCounted = 1'000'000;
constexpr std::uint32_t kLongestInterval_ms = 60'000;      // supervisor/config/keys.cc
constexpr double kMostApart_ms = 1000.0 * 86400 * 366000;  // clocks: some millennia

// `least` where there is no number.
double within(double value, double least, double most) {
  return std::isnan(value) ? least : std::clamp(value, least, most);
}

}  // namespace

protocol::Load heard_load(const protocol::Load& said, std::int64_t now_ms, double rtt_us) {
  protocol::Load load = said;
  load.set_run_queue(within(said.run_queue(), 0, kMost));
  load.set_running(within(said.running(), 0, kMost));
  load.set_speed(within(said.speed(), 0, kMost));
  load.set_capacity(within(said.capacity(), 0, kMost));
  load.set_cpu_idle(within(said.cpu_idle(), 0, kMost));
  load.set_disk_io_rate(within(said.disk_io_rate(), 0, kMost));
  load.set_pressure_cpu(within(said.pressure_cpu(), -1, 100));
  load.set_pressure_memory(within(said.pressure_memory(), -1, 100));
  load.set_pressure_io(within(said.pressure_io(), -1, 100));
  load.set_incoming(std::min(said.incoming(), kMostCounted));
  load.set_guests(std::min(said.guests(), kMostCounted));
  load.set_interval_ms(std::min(said.interval_ms(), kLongestInterval_ms));
  // As numbers that cannot overflow: no two clocks are so far apart that the last bits matter.
  const double ahead = static_cast<double>(said.measured_at_ms()) - static_cast<double>(now_ms);
  load.set_clock_offset_ms(within(ahead + rtt_us / 2000, -kMostApart_ms, kMostApart_ms));
  return load;
}

std::string nonsense_in(const protocol::Offer& offer) {
  bool sound = !std::isnan(offer.at_most_s());  // below zero: nothing would be good enough
  for (const double number : {offer.source_s_per_cpu_s(), offer.cpu_age_s(), offer.cpu_rate()})
    sound = sound && number >= 0 && number <= kMost;
  return sound ? "" : "it offers a program with a number that makes no sense";
}

}  // namespace llrun::agent
