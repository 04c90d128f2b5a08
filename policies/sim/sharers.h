// Sharers: processes that all get the same share of a node.
//
// Virtual time: the CPU each of them has received since the beginning. A process that needs c CPU
// seconds ends when virtual time has advanced by c, however fast it advances meanwhile; nothing has
// to be touched but the clock when somebody comes or goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace llrun::policies::sim {

class Sharers {
 public:
  // `id` needs `cpu_s` more, and has received `received_s` of what it is counted for.
  void enter(std::uint32_t id, double cpu_s, double received_s = 0);
  struct Left {
    double received_s, needed_s;
  };
  // Takes `id` out; none: it is not here.
  std::optional<Left> leave(std::uint32_t id);
  // Each has received so much.
  void pass(double cpu_s) { virtual_s_ += cpu_s; }

  [[nodiscard]] std::size_t count() const { return heap_.size(); }
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  // Who ends first, and the CPU it still needs; only while there is anybody.
  [[nodiscard]] std::uint32_t first() const { return heap_.front().id; }
  [[nodiscard]] double first_needs_s() const { return heap_.front().end_v - virtual_s_; }

  // tell(id, received_s) for each, in no order.
  template <typename Tell>
  void each(const Tell& tell) const {
    for (const Entry& entry : heap_) tell(entry.id, virtual_s_ - entry.start_v);
  }

 private:
  struct Entry {
    double end_v;
    double start_v;
    std::uint32_t id;
  };
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  std::vector<Entry> heap_;  // by end_v
  double virtual_s_ = 0;
};

}  // namespace llrun::policies::sim
