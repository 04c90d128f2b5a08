// A large and mostly untouched area: what was written is there, the rest reads as zero and costs
// nothing.
#include <sys/mman.h>

#include <vector>

#include "tests/programs/steps.h"

namespace {
constexpr std::size_t kBytes = std::size_t{16} << 30;
constexpr std::size_t kStride = 37 << 20;  // one page touched in 37 MiB
}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  auto* area = static_cast<volatile std::uint64_t*>(::mmap(
      nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (area == MAP_FAILED) steps::check(false, "16 GiB of address space were refused");
  const std::size_t stride = kStride / sizeof *area, words = kBytes / sizeof *area;
  while (steps::next() && area != MAP_FAILED) {
    const auto step = static_cast<std::uint64_t>(steps::number());
    for (std::size_t at = 0; at < words; at += stride) {
      if (step > 1) steps::check(area[at] == steps::mixed(at + step - 1), "word %zu", at);
      area[at] = steps::mixed(at + step);
      if (step % 10 == 1)
        steps::check(area[at + 512] == 0, "the page after word %zu is not zero", at);
    }
    steps::work(step);
  }
  return steps::finish();
}
