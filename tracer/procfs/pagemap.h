// /proc/PID/pagemap: which pages a process has, asked by PAGEMAP_SCAN (Linux 6.7,
// Documentation/admin-guide/mm/pagemap.rst), or read entry by entry where the kernel has none.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// uapi/linux/fs.h, PAGE_IS_*. The headers of the build machine may be older than the kernel.
enum PageCategory : std::uint64_t {
  kPageWriteProtectable = 1 << 0,  // PAGE_IS_WPALLOWED
  kPageWritten = 1 << 1,
  kPageFile = 1 << 2,  // file pages and shared memory; not set: anonymous, or a private copy
  kPagePresent = 1 << 3,
  kPageSwapped = 1 << 4,
  kPageZero = 1 << 5,  // the shared zero page
  kPageHuge = 1 << 6,
  kPageSoftDirty = 1 << 7,
  kPageGuard = 1 << 8,
};

struct PageQuery {
  std::uint64_t inverted = 0;  // categories that are wanted absent
  std::uint64_t all_of = 0;    // wanted, after inversion
  std::uint64_t any_of = 0;    // at least one, after inversion; 0: no matter
  std::uint64_t returned = 0;  // what `categories` of a region tells; regions are split by it
  bool write_protect = false;  // PM_SCAN_WP_MATCHING
};

struct PageRegion {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t categories = 0;
  friend bool operator==(const PageRegion&, const PageRegion&) = default;
};

class PageMap {
 public:
  [[nodiscard]] static Result<PageMap> open(HostPid pid);
  // Regions of [start, end) that match, ascending.
  [[nodiscard]] Result<std::vector<PageRegion>> scan(std::uint64_t start, std::uint64_t end,
                                                     const PageQuery& query) const;
  // Without PAGEMAP_SCAN: only kPageFile, kPagePresent, kPageSwapped, kPageSoftDirty and
  // kPageGuard.
  [[nodiscard]] Result<std::vector<PageRegion>> scan_entries(std::uint64_t start, std::uint64_t end,
                                                             const PageQuery& query) const;

 private:
  explicit PageMap(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

}  // namespace llrun::tracer
