// How fast cores are, relative to the machine on which kReferenceRate was taken: 1.0 is the same,
// 2.0 twice as fast.
//
// One measurement says how fast a core is beside whatever else the machine does: who shares its
// caches and pipelines takes from it even in CPU time, so the same processor shows 1.8 or 2.2.
// Nothing makes it faster than it is. So the best of many counts, spread over time; it is kept for
// the CPU model; and nodes with cores of one model tell each other, so that equal nodes are equal.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace llrun::load {

class CoreSpeeds {
 public:
  // So often it is measured, over the lives of all agents.
  static constexpr int kMeasurements = 60;
  // Cores of one name that differ by more than this are not of one kind: virtual machines call
  // theirs whatever they like.
  static constexpr double kAlike = 1.5;

  // What was found is kept in `file`. `measure`: a few milliseconds of CPU time.
  CoreSpeeds(std::string file, std::string model, std::function<double()> measure);

  [[nodiscard]] const std::string& model() const { return model_; }
  [[nodiscard]] double own() const;
  // About once a second: measures until it has been done kMeasurements times.
  void measure_again();
  // A node says so of its cores: what to reckon with.
  [[nodiscard]] double heard(const std::string& model, double speed);

 private:
  struct Known {
    double first = 0;  // what others must be like
    double best = 0;
  };
  void read();
  void write() const;

  std::string file_, model_;
  std::function<double()> measure_;
  double measured_ = 0;  // the best here
  int measurements_ = 0;
  std::map<std::string, Known> told_;
};

[[nodiscard]] std::string own_cpu_model();
[[nodiscard]] double measure_core_speed();  // some 5 ms

}  // namespace llrun::load
