#include "supervisor/load/speed.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <utility>

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

}  // namespace

double measure_core_speed() {
  constexpr int kRounds = 1'000'000;
  volatile double keep = 0;
  const double begin = cpu_seconds();  // of our own: what runs beside us takes none of it
  keep = keep + run_rounds(kRounds);
  const double rate = kRounds / std::max(cpu_seconds() - begin, 1e-9);
  return std::clamp(rate / kReferenceRate, 0.01, 100.0);
}

std::string own_cpu_model() {
  const auto cpuinfo = read_whole_file("/proc/cpuinfo");
  return cpu_model(cpuinfo ? *cpuinfo : "");
}

CoreSpeeds::CoreSpeeds(std::string file, std::string model, std::function<double()> measure)
    : file_(std::move(file)), model_(std::move(model)), measure_(std::move(measure)) {
  constexpr int kAtOnce = 10;
  read();
  while (measurements_ < kAtOnce) measure_again();
}

void CoreSpeeds::measure_again() {
  if (measurements_ >= kMeasurements) return;
  ++measurements_;
  measured_ = std::max(measured_, measure_());
  write();
}

double CoreSpeeds::own() const {
  const auto told = told_.find(model_);
  if (told == told_.end() || told->second.best > measured_ * kAlike) return measured_;
  return std::max(measured_, told->second.best);
}

double CoreSpeeds::heard(const std::string& model, double speed) {
  constexpr std::size_t kModels = 64;
  if (model.empty() || speed <= 0 || (told_.size() >= kModels && !told_.contains(model)))
    return speed;
  auto& known = told_[model];
  if (known.first == 0) known.first = model == model_ ? measured_ : speed;
  const auto alike = [](double one, double other) {
    return one <= other * kAlike && other <= one * kAlike;
  };
  if (!alike(speed, known.first)) return speed;
  known.best = std::max(known.best, speed);
  return model == model_ ? std::max(own(), known.best) : known.best;
}

void CoreSpeeds::read() {
  std::ifstream in(file_);
  double speed = 0;
  int measurements = 0;
  std::string model;
  in >> speed >> measurements >> std::ws;
  std::getline(in, model);
  if (!in || model != model_ || !(speed > 0) || measurements <= 0) return;
  measured_ = speed;
  measurements_ = measurements;
}

// Lost, or damaged: it is measured anew.
void CoreSpeeds::write() const {
  std::ofstream(file_) << measured_ << ' ' << measurements_ << ' ' << model_ << '\n';
}

}  // namespace llrun::load
