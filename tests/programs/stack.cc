// Stacks, the first and a thread's, keep what lies deep in them, and grow further after any move.
#include <thread>

#include "tests/programs/steps.h"

namespace {

// Goes down to `depth`, works there, and on the way up finds each frame as it left it.
__attribute__((noinline)) std::uint64_t descend(int depth, std::uint64_t seed) {
  volatile std::uint64_t frame[128];
  for (std::uint64_t at = 0; at < 128; ++at) frame[at] = steps::mixed(seed + at);
  const std::uint64_t below =
      depth == 0 ? steps::work(seed) : descend(depth - 1, steps::mixed(seed));
  for (std::uint64_t at = 0; at < 128; ++at)
    steps::check(frame[at] == steps::mixed(seed + at), "the frame at depth %d", depth);
  return below + frame[0];
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  while (steps::next()) {
    const int depth =
        100 + 50 * (steps::number() % 100);  // each step may go a little deeper, to 6 MiB
    std::uint64_t here = 0, there = 0;
    std::thread other([&] { there = descend(depth, 9); });
    here = descend(depth, 9);
    other.join();
    steps::check(here == there, "what two stacks computed");
  }
  return steps::finish();
}
