#include "supervisor/job/file_ranges.h"

#include <gtest/gtest.h>

namespace llrun {
namespace {

using image::Mapping;

void add(image::MemoryLayout& memory, std::uint64_t start, std::uint64_t end, Mapping::Backing as) {
  auto& mapping = *memory.add_mappings();
  mapping.set_start(start);
  mapping.set_end(end);
  mapping.set_backing(as);
}

TEST(FileRanges, HoldWhatFilesAreMappedAt) {
  image::MemoryLayout memory;
  add(memory, 10, 20, Mapping::BACKING_FILE);
  add(memory, 20, 30, Mapping::BACKING_ANONYMOUS);
  add(memory, 30, 40, Mapping::BACKING_FILE);
  add(memory, 40, 50, Mapping::BACKING_FILE);
  add(memory, 60, 70, Mapping::BACKING_FILE_COPIED);
  FileRanges files(memory);
  const auto expected = [](std::uint64_t at) {
    return (at >= 10 && at < 20) || (at >= 30 && at < 50);
  };
  for (std::uint64_t at = 0; at < 80; ++at) EXPECT_EQ(files.contain(at), expected(at)) << at;
}

TEST(FileRanges, AnswerTheSameForEachPageOfARange) {
  image::MemoryLayout memory;
  add(memory, 10, 20, Mapping::BACKING_FILE);
  FileRanges files(memory);
  EXPECT_TRUE(files.contain(15));
  EXPECT_TRUE(files.contain(15));
  EXPECT_FALSE(files.contain(20));
}

}  // namespace
}  // namespace llrun
