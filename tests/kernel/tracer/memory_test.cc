// What the kernel says of pages, and does with the memory of others.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tracer/procfs/pagemap.h"
#include "tracer/remote/remote_memory.h"

namespace llrun::tracer {
namespace {

class Memory {
 public:
  Memory(int pages, int flags, int fd = -1)
      : size_(static_cast<std::size_t>(pages) * kPageSize),
        at_(static_cast<char*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, flags, fd, 0))) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { ::munmap(at_, size_); }
  [[nodiscard]] char* page(int number) const {
    return at_ + static_cast<std::size_t>(number) * kPageSize;
  }
  [[nodiscard]] std::uint64_t start() const { return reinterpret_cast<std::uint64_t>(at_); }
  [[nodiscard]] std::uint64_t end() const { return start() + size_; }

 private:
  std::size_t size_;
  char* at_;
};

std::vector<PageRegion> scan(const Memory& memory) {
  PageQuery query;
  query.inverted = kPageFile;
  query.all_of = kPageFile;
  query.any_of = kPagePresent | kPageSwapped | kPageGuard;
  query.returned = kPageZero | kPageGuard;
  return PageMap::open(HostPid{::getpid()})->scan(memory.start(), memory.end(), query).value();
}

// Present and not FILE is exactly what a private anonymous mapping holds. A page that was only read
// is there, too: the shared zero page, told apart, or, on kernels that have none, one of its own.
TEST(PagemapScan, TellsDataFromHoles) {
  const Memory memory(8, MAP_PRIVATE | MAP_ANONYMOUS);
  ::madvise(memory.page(0), 8 * kPageSize, MADV_NOHUGEPAGE);
  *memory.page(1) = 1;
  *memory.page(2) = 1;
  [[maybe_unused]] const char zero = *static_cast<volatile char*>(memory.page(5));
  const auto at = [&](int page) {
    return memory.start() + static_cast<std::uint64_t>(page) * kPageSize;
  };
  const auto seen = scan(memory);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], (PageRegion{at(1), at(3), 0}));
  EXPECT_EQ(seen[1], (PageRegion{at(5), at(6), seen[1].categories & kPageZero}));
}

// What is called the zero page travels as a count, unread: so nothing that was written may be
// called so, also where the page was read before, and where zeros were written.
TEST(PagemapScan, CallsNothingZeroThatWasWritten) {
  const Memory memory(4, MAP_PRIVATE | MAP_ANONYMOUS);
  ::madvise(memory.page(0), 4 * kPageSize, MADV_NOHUGEPAGE);
  for (int page = 0; page < 4; ++page)
    [[maybe_unused]] const char zero = *static_cast<volatile char*>(memory.page(page));
  *static_cast<volatile char*>(memory.page(0)) = 1;
  *static_cast<volatile char*>(memory.page(1)) = 0;
  *(memory.page(2) + kPageSize - 1) = 1;
  *(memory.page(3) + kPageSize - 1) = 1;
  const std::vector<PageRegion> expected{{memory.start(), memory.end(), 0}};
  EXPECT_EQ(scan(memory), expected);
}

// A private mapping of a file holds, as not FILE, the pages that were written; those only read are
// FILE.
TEST(PagemapScan, TellsCopiedFilePagesFromCleanOnes) {
  const Fd file = open_file("/proc/self/exe", O_RDONLY).value();
  const Memory memory(4, MAP_PRIVATE, file.get());
  [[maybe_unused]] const char clean = *static_cast<volatile char*>(memory.page(0));
  *memory.page(2) = 1;
  const std::vector<PageRegion> expected{
      {memory.start() + 2 * kPageSize, memory.start() + 3 * kPageSize, 0}};
  EXPECT_EQ(scan(memory), expected);
}

// Shared anonymous memory is FILE: it is never in a plan by categories and travels whole.
TEST(PagemapScan, CallsSharedMemoryFile) {
  const Memory memory(4, MAP_SHARED | MAP_ANONYMOUS);
  *memory.page(1) = 1;
  EXPECT_TRUE(scan(memory).empty());
}

// /proc/PID/mem goes where the program itself may not: restored pages land in read-only mappings.
TEST(ProcessMemory, IsWrittenThroughProtection) {
  const Memory memory(1, MAP_PRIVATE | MAP_ANONYMOUS);
  ::mprotect(memory.page(0), kPageSize, PROT_READ);
  const std::byte value{42};
  EXPECT_TRUE(write_memory(HostPid{::getpid()}, RemoteAddr{memory.start()}, std::span(&value, 1)));
  EXPECT_EQ(*memory.page(0), 42);
}

}  // namespace
}  // namespace llrun::tracer
