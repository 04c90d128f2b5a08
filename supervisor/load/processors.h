// Processors: those of the machine that this process may use (sched_getaffinity(2)).
#pragma once

#include <utility>
#include <vector>

namespace llrun::load {

class Processors {
 public:
  [[nodiscard]] static Processors ours();
  explicit Processors(std::vector<bool> allowed) : allowed_(std::move(allowed)) {}

  [[nodiscard]] bool has(unsigned processor) const {
    return processor < allowed_.size() && allowed_[processor];
  }
  [[nodiscard]] unsigned count() const;
  // All that are switched on.
  [[nodiscard]] bool are_the_machines() const;

 private:
  std::vector<bool> allowed_;
};

}  // namespace llrun::load
