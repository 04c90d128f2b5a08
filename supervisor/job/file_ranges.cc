#include "supervisor/job/file_ranges.h"

#include <algorithm>

#include "tracer/objects/memory.h"

namespace llrun {

FileRanges::FileRanges(const image::MemoryLayout& memory) {
  for (const auto& mapping : memory.mappings())
    if (tracer::is_file_mapping(mapping)) ranges_.push_back({mapping.start(), mapping.end()});
  std::ranges::sort(ranges_, {}, &Range::start);
}

bool FileRanges::contain(std::uint64_t address) {
  while (next_ < ranges_.size() && ranges_[next_].end <= address) ++next_;
  return next_ < ranges_.size() && ranges_[next_].start <= address;
}

}  // namespace llrun
