// Allowance: how much of what the other side sends may be kept here, waiting for somebody to deal
// with it.
//
// An honest other side bounds itself: streams by their credit, pages by their window, requests by
// the threads that wait for them. One that does not must not be able to fill this node's memory:
// who takes more is not to be trusted further, and the link ends (docs/protocol.md, "Bounds").
#pragma once

#include <atomic>
#include <cstdint>

namespace llrun {

// For any thread.
class Allowance {
 public:
  explicit Allowance(std::uint64_t most) : most_(most) {}
  // `bytes` have come. False: they are too many, and are not counted.
  [[nodiscard]] bool take(std::uint64_t bytes) {
    if (kept_.fetch_add(bytes) + bytes <= most_) return true;
    kept_.fetch_sub(bytes);
    return false;
  }
  // As many of those taken have been dealt with.
  void give_back(std::uint64_t bytes) { kept_.fetch_sub(bytes); }
  [[nodiscard]] std::uint64_t kept() const { return kept_; }

 private:
  const std::uint64_t most_;
  std::atomic<std::uint64_t> kept_ = 0;
};

}  // namespace llrun
