#include "supervisor/load/speed.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "base/fd.h"
#include "supervisor/load/proc.h"

namespace llrun::load {
namespace {

// Rounds a CPU second on the reference: one core of a 2024 cloud server at about 3 GHz.
constexpr double kReferenceRate = 2.0e8;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Multiplications, divisions of floats and unpredictable branches in about the proportions of a
// computing program; each round depends on the one before, so nothing can be left out.
double run_rounds(int rounds) {
  std::uint64_t bits = 0x9e3779b97f4a7c15U;
  double value = 1.5;
  for (int i = 0; i < rounds; ++i) {
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    value = value * 0.999 + static_cast<double>(bits >> 40) * 1e-6;
    if ((bits & 7) == 0) value = 1.0 / (value + 1.0);
  }
  return value;
}

struct Kept {
  double speed = 0;
  std::string model;
};

Kept read_kept(const std::string& file) {
  Kept kept;
  std::ifstream in(file);
  in >> kept.speed >> std::ws;
  std::getline(in, kept.model);
  return kept;
}

}  // namespace

double measure_core_speed() {
  constexpr int kRounds = 1'000'000;
  double best = 0;
  volatile double keep = 0;
  // CPU time, and the best of several: what others do on the machine must not count.
  for (int i = 0; i < 10; ++i) {
    const double begin = cpu_seconds();
    keep = keep + run_rounds(kRounds);
    best = std::max(best, kRounds / std::max(cpu_seconds() - begin, 1e-9));
  }
  return std::clamp(best / kReferenceRate, 0.01, 100.0);
}

double core_speed(const std::string& directory) {
  const auto file = directory + "/speed";
  const auto cpuinfo = read_whole_file("/proc/cpuinfo");
  const auto model = cpu_model(cpuinfo ? *cpuinfo : "");
  if (const auto kept = read_kept(file); kept.model == model && kept.speed > 0) return kept.speed;
  const double speed = measure_core_speed();
  std::ofstream(file) << speed << ' ' << model << '\n';
  return speed;
}

}  // namespace llrun::load
