// Direct I/O: aligned blocks arrive, and what the filesystem says to others is what it said at
// first.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/programs/steps.h"

namespace {

constexpr std::size_t kBlock = 64 << 10;

int outcome(ssize_t count) { return count < 0 ? -errno : static_cast<int>(count); }

// Lengths and offsets that are not aligned, and what came of each.
struct Unaligned {
  int written, read, offset;
  explicit Unaligned(int file, char* block)
      : written(outcome(::pwrite(file, block, 511, 0))),
        read(outcome(::pread(file, block, 100, 0))),
        offset(outcome(::pread(file, block, 4096, 3))) {}
  bool operator==(const Unaligned&) const = default;
};

// Pages of a mapping are read with no regard to what O_DIRECT asks for.
bool shows_what_is_read(int file, char* block) {
  void* const mapped = ::mmap(nullptr, kBlock, PROT_READ, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) return false;
  const bool same = ::pread(file, block, kBlock, 0) == static_cast<ssize_t>(kBlock) &&
                    std::memcmp(mapped, block, kBlock) == 0;
  return ::munmap(mapped, kBlock) == 0 && same;
}

// However long it runs, the file stays small.
off_t place_of(int step) { return static_cast<off_t>(step % 32) * static_cast<off_t>(kBlock); }

void fill(char* block, int step) {
  for (std::size_t i = 0; i < kBlock; i += 8) {
    const auto word = steps::mixed(i + static_cast<std::size_t>(step) * kBlock);
    std::memcpy(block + i, &word, 8);
  }
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  const int file = ::open("direct.file", O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
  const int probe = ::open("direct.probe", O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
  auto* const block = static_cast<char*>(std::aligned_alloc(4096, kBlock));
  auto* const expected = static_cast<char*>(std::aligned_alloc(4096, kBlock));
  steps::check(file >= 0 && probe >= 0 && block != nullptr && expected != nullptr, "opening");
  fill(block, 0);
  steps::check(::pwrite(probe, block, kBlock, 0) == static_cast<ssize_t>(kBlock), "a first block");
  const Unaligned first(probe, block);
  while (steps::next()) {
    const int step = steps::number();
    steps::work(3);
    fill(block, step);
    const off_t place = place_of(step);
    steps::check(::pwrite(file, block, kBlock, place) == static_cast<ssize_t>(kBlock),
                 "writing block %d: %s", step, std::strerror(errno));
    const int other = std::max(1, step - 5);
    fill(expected, other);
    steps::check(::pread(file, block, kBlock, place_of(other)) == static_cast<ssize_t>(kBlock) &&
                     std::memcmp(block, expected, kBlock) == 0,
                 "reading block %d", other);
    const Unaligned now(probe, block);
    steps::check(now == first, "unaligned: %d %d %d instead of %d %d %d", now.written, now.read,
                 now.offset, first.written, first.read, first.offset);
    steps::check((::fcntl(file, F_GETFL) & O_DIRECT) != 0, "O_DIRECT is set");
    steps::check(shows_what_is_read(probe, expected), "a mapping of the file");
    // Switched off, anything goes; and on again.
    steps::check(::fcntl(probe, F_SETFL, 0) == 0 && ::pread(probe, block, 100, 3) == 100,
                 "without O_DIRECT: %s", std::strerror(errno));
    steps::check(::fcntl(probe, F_SETFL, O_DIRECT) == 0, "O_DIRECT again");
  }
  return steps::finish();
}
