#include "policies/sim/processor.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "policies/ageing.h"

namespace llrun::policies::sim {

namespace {
constexpr double kInstant_s = 1e-9;  // less than this left is nothing left
}

Processor::Processor(double cores, double speed) : cores_(cores), speed_(speed) {}

Processor::Processor(std::vector<double> core_speeds) : speed_sum_(std::move(core_speeds)) {
  std::ranges::sort(speed_sum_, std::greater{});
  for (std::size_t i = 1; i < speed_sum_.size(); ++i) speed_sum_[i] += speed_sum_[i - 1];
}

double Processor::capacity() const {
  if (count_ == 0) return 0;
  if (speed_sum_.empty()) return speed_ * std::min(cores_, static_cast<double>(count_)) / slow_;
  return speed_sum_[std::min(count_, speed_sum_.size()) - 1] / slow_;
}

Processor::Level& Processor::level(int nice) {
  const auto found = std::ranges::lower_bound(levels_, nice, {}, &Level::nice);
  if (found != levels_.end() && found->nice == nice) return *found;
  return *levels_.insert(found, Level{nice, nice_weight(nice), 0, {}});
}

// The least nice are served first. Where their weight would give each more than a core, a core is
// what each gets, and the others share the rest by their weights.
void Processor::share() {
  double left = capacity();
  double weights = 0;
  for (const Level& level : levels_)
    weights += level.weight * static_cast<double>(level.sharers.count());
  for (Level& level : levels_) {
    if (level.sharers.empty()) continue;
    const auto count = static_cast<double>(level.sharers.count());
    level.rate = left * level.weight / weights;
    if (speed_sum_.empty()) level.rate = std::min(level.rate, speed_ / slow_);
    left -= level.rate * count;
    weights -= level.weight * count;
  }
}

void Processor::advance(double now_s) {
  const double passed = now_s - updated_s_;
  if (passed <= 0) return;
  load_.pass(passed, static_cast<double>(count_));
  updated_s_ = now_s;
  for (Level& level : levels_) level.sharers.pass(passed * level.rate);
  busy_cpu_s_ += passed * capacity();
}

void Processor::slow_down(double now_s, double factor) {
  advance(now_s);
  slow_ = factor;
  share();
}

const Processor::Level* Processor::next() const {
  const Level* soonest = nullptr;
  double soonest_s = kNever;
  for (const Level& level : levels_) {
    if (level.sharers.empty()) continue;
    const double in_s = level.sharers.first_needs_s() / level.rate;
    if (in_s >= soonest_s) continue;
    soonest = &level;
    soonest_s = in_s;
  }
  return soonest;
}

double Processor::next_end_s() const {
  const Level* level = next();
  if (level == nullptr) return kNever;
  return updated_s_ + std::max(0.0, level->sharers.first_needs_s()) / level->rate;
}

bool Processor::has_ended() const {
  const Level* level = next();
  return level != nullptr && level->sharers.first_needs_s() <= kInstant_s * level->rate;
}

void Processor::enter(double now_s, std::uint32_t id, double cpu_s, int nice) {
  advance(now_s);
  level(nice).sharers.enter(id, cpu_s);
  ++count_;
  share();
}

Sharers::Left Processor::take(std::uint32_t id) {
  for (Level& level : levels_)
    if (const auto left = level.sharers.leave(id)) return *left;
  LLRUN_CHECK(false, std::to_string(id));
  return {};
}

double Processor::leave(double now_s, std::uint32_t id) {
  advance(now_s);
  const Sharers::Left left = take(id);
  --count_;
  share();
  return left.received_s;
}

void Processor::renice(double now_s, std::uint32_t id, int nice) {
  advance(now_s);
  const Sharers::Left left = take(id);
  level(nice).sharers.enter(id, left.needed_s, left.received_s);
  share();
}

}  // namespace llrun::policies::sim
