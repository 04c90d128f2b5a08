// FileRanges: which addresses lie in a mapping of a file, asked in ascending order.
//
// A program may have tens of thousands of mappings, and as many stretches of pages, and stands
// still meanwhile: each mapping is looked at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "imagefmt/image.pb.h"

namespace llrun {

class FileRanges {
 public:
  explicit FileRanges(const image::MemoryLayout& memory);
  // No address may be below the one before.
  [[nodiscard]] bool contain(std::uint64_t address);

 private:
  struct Range {
    std::uint64_t start, end;
  };
  std::vector<Range> ranges_;
  std::size_t next_ = 0;
};

}  // namespace llrun
