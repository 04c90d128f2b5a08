// ProcessTable: the jobs that are in the cluster now, by slot. A slot is used again when its
// process has ended; its generation tells a successor from the one before.
#pragma once

#include <cstdint>
#include <vector>

#include "policies/sim/workload.h"

namespace llrun::policies::sim {

struct Process {
  Job job;
  std::uint32_t node = 0;
  std::uint32_t generation = 0;
  double received_s = 0;  // CPU, before it entered where it is
  double received_at_move_s = 0;
  double last_move_s = 0;
  int moves = 0;
  int nice = 0;
  double promised_age_s = 0;  // what its target was told
  bool leaving = false;
};

class ProcessTable {
 public:
  [[nodiscard]] std::uint32_t take(const Job& job) {
    ++active_;
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    Process fresh;
    fresh.job = job;
    fresh.generation = slots_[slot].generation + 1;
    slots_[slot] = fresh;
    return slot;
  }
  void give_back(std::uint32_t slot) {
    ++slots_[slot].generation;
    slots_[slot].leaving = false;
    free_.push_back(slot);
    --active_;
  }
  [[nodiscard]] Process& operator[](std::uint32_t slot) { return slots_[slot]; }
  [[nodiscard]] std::size_t active() const { return active_; }

 private:
  std::vector<Process> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t active_ = 0;
};

}  // namespace llrun::policies::sim
