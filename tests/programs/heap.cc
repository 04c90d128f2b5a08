// The allocator's state: blocks of every size from several threads, each with contents that prove
// whose it is.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "tests/programs/steps.h"

namespace {

struct Block {
  std::unique_ptr<std::uint64_t[]> words;
  std::size_t count = 0;
  std::uint64_t seed = 0;

  explicit Block(std::uint64_t from) : count(1 + steps::mixed(from) % 3000), seed(from) {
    words = std::make_unique<std::uint64_t[]>(count);
    for (std::size_t at = 0; at < count; ++at) words[at] = steps::mixed(seed + at);
  }
  void check() const {
    for (std::size_t at = 0; at < count; ++at)
      if (words[at] != steps::mixed(seed + at))
        return steps::check(false, "word %zu of a block of %zu", at, count);
  }
};

// Replaces blocks in an order that depends on the seed, checking each before it goes.
void churn(std::vector<Block>& blocks, std::uint64_t seed) {
  for (int round = 0; round < 600; ++round) {
    seed = steps::mixed(seed);
    Block& victim = blocks[seed % blocks.size()];
    victim.check();
    victim = Block(seed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  std::vector<std::vector<Block>> heaps(3);
  for (auto& heap : heaps)
    for (std::uint64_t at = 0; at < 300; ++at) heap.emplace_back(at);
  while (steps::next()) {
    std::vector<std::thread> threads;
    for (std::size_t at = 0; at < heaps.size(); ++at)
      threads.emplace_back(churn, std::ref(heaps[at]),
                           static_cast<std::uint64_t>(steps::number()) * 10 + at);
    for (auto& thread : threads) thread.join();
  }
  for (const auto& heap : heaps)
    for (const auto& block : heap) block.check();
  return steps::finish();
}
