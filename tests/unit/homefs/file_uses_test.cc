// What is counted of the files that a guest uses.
#include "netproxy/homefs/file_uses.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>
#include <vector>

namespace llrun::homefs {
namespace {

TEST(FileUses, CountsEachFileByItsPath) {
  FileUses uses;
  EXPECT_TRUE(uses.rows().empty());
  uses.of("/b")->opened += 2;
  uses.of("/a")->read += 10;
  uses.of("/b")->written += 20;
  uses.of("/b")->refused += 1;
  const auto rows = uses.rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].path, "/a");
  EXPECT_EQ(rows[0].read, 10U);
  EXPECT_EQ(rows[0].opened, 0U);
  EXPECT_EQ(rows[1].path, "/b");
  EXPECT_EQ(rows[1].opened, 2U);
  EXPECT_EQ(rows[1].written, 20U);
  EXPECT_EQ(rows[1].refused, 1U);
}

// Who opens files without end, costs home no more memory for it.
TEST(FileUses, TooManyAreCountedAsOne) {
  constexpr std::size_t kTooMany = 10;
  FileUses uses;
  for (std::size_t i = 0; i < FileUses::kMost + kTooMany; ++i)
    ++uses.of("/file" + std::to_string(i))->opened;
  ++uses.of("/file0")->opened;
  const auto rows = uses.rows();
  ASSERT_EQ(rows.size(), FileUses::kMost + 1);
  EXPECT_EQ(rows[0].path, "/file0");
  EXPECT_EQ(rows[0].opened, 2U);
  EXPECT_EQ(rows.back().path, "");
  EXPECT_EQ(rows.back().opened, kTooMany);
}

TEST(FileUses, ManyCountAtOnce) {
  constexpr unsigned kThreads = 8, kTimes = 10'000;
  FileUses uses;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (unsigned n = 0; n < kTimes; ++n) ++uses.of("/" + std::to_string(n % 7))->read;
      });
  }
  const auto rows = uses.rows();
  const auto all = std::accumulate(rows.begin(), rows.end(), std::uint64_t{0},
                                   [](auto sum, const auto& row) { return sum + row.read; });
  EXPECT_EQ(all, kThreads * kTimes);
}

}  // namespace
}  // namespace llrun::homefs
