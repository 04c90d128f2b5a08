// Long computations in every number format give in each step what they gave in the first.
#include <array>
#include <cmath>

#include "tests/programs/steps.h"

namespace {

struct Results {
  double plain;
  long double extended;
  float narrow;
  std::uint64_t whole;
  bool operator==(const Results&) const = default;
};

Results compute() {
  Results results{0.37, 0.41L, 0.43F, 7};
  std::array<double, 64> lanes{};
  for (std::size_t at = 0; at < lanes.size(); ++at)
    lanes[at] = 0.1 + 0.01 * static_cast<double>(at);
  for (int round = 0; round < 150000; ++round) {
    results.plain = 3.99 * results.plain * (1 - results.plain);
    results.extended = 3.99L * results.extended * (1 - results.extended);
    results.narrow = std::fma(-3.9F * results.narrow, results.narrow, 3.9F * results.narrow);
    for (auto& lane : lanes) lane = 3.97 * lane * (1 - lane);
    results.whole = steps::mixed(results.whole);
  }
  for (const double lane : lanes) results.plain += std::sin(lane);
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  const Results first = compute();
  while (steps::next()) steps::check(compute() == first, "the results of a chaotic computation");
  return steps::finish();
}
