#include "policies/sim/sharers.h"

#include <algorithm>
#include <utility>

namespace llrun::policies::sim {

void Sharers::enter(std::uint32_t id, double cpu_s, double received_s) {
  heap_.push_back({virtual_s_ + cpu_s, virtual_s_ - received_s, id});
  sift_up(heap_.size() - 1);
}

std::optional<Sharers::Left> Sharers::leave(std::uint32_t id) {
  const auto found = std::ranges::find(heap_, id, &Entry::id);
  if (found == heap_.end()) return std::nullopt;
  const Left left{std::min(virtual_s_, found->end_v) - found->start_v,
                  std::max(0.0, found->end_v - virtual_s_)};
  const auto index = static_cast<std::size_t>(found - heap_.begin());
  heap_[index] = heap_.back();
  heap_.pop_back();
  if (index < heap_.size()) {
    sift_up(index);
    sift_down(index);
  }
  return left;
}

void Sharers::sift_up(std::size_t index) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent].end_v <= heap_[index].end_v) return;
    std::swap(heap_[parent], heap_[index]);
    index = parent;
  }
}

void Sharers::sift_down(std::size_t index) {
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) return;
    if (child + 1 < heap_.size() && heap_[child + 1].end_v < heap_[child].end_v) ++child;
    if (heap_[index].end_v <= heap_[child].end_v) return;
    std::swap(heap_[index], heap_[child]);
    index = child;
  }
}

}  // namespace llrun::policies::sim
