#include "policies/strategy/census.h"

#include <algorithm>
#include <cmath>

namespace llrun::policies {

double shared_life_s(double a, double b, double horizon_s) {
  // The integral of a/(a+t) * b/(b+t); its closed form cancels where a and b are close.
  if (std::abs(a - b) < 1e-3 * a) return a * horizon_s / (a + horizon_s);
  return a * b / (a - b) * std::log((b + horizon_s) / b * a / (a + horizon_s));
}

std::size_t Census::class_of(double cpu_age_s) {
  if (cpu_age_s < kYoungest_s) return 0;
  const int doublings = std::ilogb(cpu_age_s / kYoungest_s);
  return std::min(static_cast<std::size_t>(doublings) + 1, kClasses - 1);
}

double Census::age_of(std::size_t age_class) {
  return kYoungest_s * std::exp2(static_cast<double>(age_class) - 0.5);
}

double Census::count() const {
  double sum = 0;
  for (const float count : counts_) sum += static_cast<double>(count);
  return sum;
}

Census Census::without(double cpu_age_s) const {
  constexpr float kWhole = 0.5F;  // who does not always want to run is counted as a part of one
  const auto own = static_cast<int>(class_of(cpu_age_s));
  int chosen = own;
  for (const int near : {own, own - 1, own + 1, own - 2, own + 2}) {
    if (near < 0 || near >= static_cast<int>(kClasses)) continue;
    const float there = counts_[static_cast<std::size_t>(near)];
    if (near == own ? there <= 0 : there < kWhole) continue;
    chosen = near;
    break;
  }
  Census rest = *this;
  float& count = rest.counts_[static_cast<std::size_t>(chosen)];
  count = std::max(0.0F, count - 1);
  return rest;
}

Census Census::after(double cpu_s) const {
  Census later;
  for (std::size_t i = 0; i < kClasses; ++i) {
    if (counts_[i] <= 0) continue;
    const double age = age_of(i);
    later.add(age + cpu_s, at(i) * age / (age + cpu_s));
  }
  return later;
}

namespace {

// shared_life_s between classes: logarithms are too slow to take for each node.
struct Table {
  double horizon_s = -1;
  std::array<std::array<double, Census::kClasses>, Census::kClasses> shared{};
};

const Table& table_for(double horizon_s) {
  thread_local Table table;
  if (table.horizon_s == horizon_s) return table;
  table.horizon_s = horizon_s;
  for (std::size_t a = 0; a < Census::kClasses; ++a)
    for (std::size_t b = 0; b < Census::kClasses; ++b)
      table.shared[a][b] = shared_life_s(Census::age_of(a), Census::age_of(b), horizon_s);
  return table;
}

}  // namespace

// The oldest `cores`-1 residents have a core each for all that matters; the newcomer shares with
// the others. Of two on one core both are delayed: hence 2, and less where more cores soften it.
double Census::hindrance_s(double cpu_age_s, double cores, double horizon_s) const {
  const auto& shared = table_for(horizon_s).shared[class_of(cpu_age_s)];
  double sharing = count() - (cores - 1);
  double sum = 0;
  for (std::size_t i = 0; i < kClasses && sharing > 0; ++i) {
    const double some = std::min(sharing, at(i));
    sum += some * shared[i];
    sharing -= some;
  }
  return sum * (cores + 1) / cores;
}

}  // namespace llrun::policies
