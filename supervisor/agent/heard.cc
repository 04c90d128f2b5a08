#include "supervisor/agent/heard.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "supervisor/config/keys.h"

namespace llrun::agent {
namespace {

constexpr double kMost = 1e9;  // of anything: processes, cores, MiB/s, relative speed
constexpr std::uint32_t kMostCounted = 1'000'000;
constexpr std::uint32_t kLongestInterval_ms = 60'000;  // supervisor/config/keys.cc
constexpr std::size_t kLongestWords = 1000;            // for a person
constexpr std::size_t kLongestJob = 256;               // host name, process id, time
constexpr std::size_t kLongestProgram = 4096;          // PATH_MAX
constexpr int kMostClasses = 64;  // of a census: policies/strategy/census.h has fewer

// `least` where there is no number.
double within(double value, double least, double most) {
  return std::isnan(value) ? least : std::clamp(value, least, most);
}

}  // namespace

protocol::Load heard_load(const protocol::Load& said, const std::optional<ClockEstimate>& clocks) {
  protocol::Load load = said;
  load.DiscardUnknownFields();
  load.clear_node();
  load.clear_reachable();
  load.clear_unreachable_why();
  load.clear_rtt_us();
  load.clear_bandwidth();
  if (load.accepts_why_not().size() > kLongestWords)
    load.mutable_accepts_why_not()->resize(kLongestWords);
  if (load.census_size() > kMostClasses) load.mutable_census()->Truncate(kMostClasses);
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
  constexpr std::size_t kModelBytes = 200;
  if (said.cpu_model().size() > kModelBytes) load.clear_cpu_model();
  load.clear_clock_offset_ms();
  load.clear_clock_error_ms();
  if (clocks) {
    load.set_clock_offset_ms(static_cast<double>(clocks->realtime_ns) / 1e6);
    load.set_clock_error_ms(static_cast<double>(clocks->error_ns) / 1e6);
  }
  return load;
}

std::string nonsense_in(const protocol::Hello& hello) {
  if (!config::is_node_name(hello.node()))
    return "what it calls itself is no node's name (letters, digits, - _ . and at most 64 of "
           "them): "
           "set name in llrun.conf there";
  if (hello.job().size() > kLongestJob || hello.program().size() > kLongestProgram)
    return "it names a job or a program at greater length than any has";
  return "";
}

std::string nonsense_in(const protocol::Offer& offer) {
  bool sound = !std::isnan(offer.at_most_s());  // below zero: nothing would be good enough
  for (const double number : {offer.source_s_per_cpu_s(), offer.cpu_age_s(), offer.cpu_rate()})
    sound = sound && number >= 0 && number <= kMost;
  return sound ? "" : "it offers a program with a number that makes no sense";
}

}  // namespace llrun::agent
