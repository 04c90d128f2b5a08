#include "policies/sim/processor.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "base/result.h"

namespace llrun::policies::sim {

namespace {
constexpr double kInstant_s = 1e-9;  // less than this left is nothing left
}

Processor::Processor(double cores, double speed) : cores_(cores), speed_(speed) {}

Processor::Processor(std::vector<double> core_speeds) : speed_sum_(std::move(core_speeds)) {
  std::ranges::sort(speed_sum_, std::greater{});
  for (std::size_t i = 1; i < speed_sum_.size(); ++i) speed_sum_[i] += speed_sum_[i - 1] / slow_;
}

double Processor::capacity(std::size_t count) const {
  if (speed_sum_.empty()) return speed_ * std::min(cores_, static_cast<double>(count)) / slow_;
  return speed_sum_[std::min(count, speed_sum_.size()) - 1] / slow_;
}

double Processor::rate() const {
  return capacity(residents_.size()) / static_cast<double>(residents_.size());
}

void Processor::advance(double now_s) {
  const double passed = now_s - updated_s_;
  if (passed <= 0) return;
  load_.pass(passed, static_cast<double>(residents_.size()));
  updated_s_ = now_s;
  if (residents_.empty()) return;
  virtual_s_ += passed * rate();
  busy_cpu_s_ += passed * capacity(residents_.size());
}

void Processor::slow_down(double now_s, double factor) {
  advance(now_s);
  slow_ = factor;
}

double Processor::next_end_s() const {
  if (residents_.empty()) return kNever;
  return updated_s_ + std::max(0.0, residents_.front().end_v - virtual_s_) / rate();
}

bool Processor::has_ended() const {
  return !residents_.empty() && residents_.front().end_v - virtual_s_ <= kInstant_s * rate();
}

void Processor::enter(double now_s, std::uint32_t id, double cpu_s) {
  advance(now_s);
  residents_.push_back({virtual_s_ + cpu_s, virtual_s_, id});
  sift_up(residents_.size() - 1);
}

double Processor::leave(double now_s, std::uint32_t id) {
  advance(now_s);
  const auto found = std::ranges::find(residents_, id, &Resident::id);
  LLRUN_CHECK(found != residents_.end(), std::to_string(id));
  const double got = std::min(received(*found), found->end_v - found->start_v);
  const auto index = static_cast<std::size_t>(found - residents_.begin());
  residents_[index] = residents_.back();
  residents_.pop_back();
  if (index < residents_.size()) {
    sift_up(index);
    sift_down(index);
  }
  return got;
}

void Processor::sift_up(std::size_t index) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (residents_[parent].end_v <= residents_[index].end_v) return;
    std::swap(residents_[parent], residents_[index]);
    index = parent;
  }
}

void Processor::sift_down(std::size_t index) {
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= residents_.size()) return;
    if (child + 1 < residents_.size() && residents_[child + 1].end_v < residents_[child].end_v)
      ++child;
    if (residents_[index].end_v <= residents_[child].end_v) return;
    std::swap(residents_[index], residents_[child]);
    index = child;
  }
}

}  // namespace llrun::policies::sim
