#include "tracer/procfs/pagemap.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tracer/procfs/ending.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kPage = 4096;

// uapi/linux/fs.h, struct pm_scan_arg and struct page_region.
struct ScanArguments {
  std::uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  std::uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct ScanRegion {
  std::uint64_t start, end, categories;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);
constexpr std::uint64_t kWriteProtectMatching = 1 << 0;

void append(std::vector<PageRegion>& regions, const PageRegion& region) {
  if (!regions.empty() && regions.back().end == region.start &&
      regions.back().categories == region.categories)
    regions.back().end = region.end;
  else
    regions.push_back(region);
}

std::uint64_t categories_of(std::uint64_t entry) {
  std::uint64_t categories = 0;
  if (entry & (1ULL << 63)) categories |= kPagePresent;
  if (entry & (1ULL << 62)) categories |= kPageSwapped;
  if (entry & (1ULL << 61)) categories |= kPageFile;
  if (entry & (1ULL << 58)) categories |= kPageGuard;
  if (entry & (1ULL << 55)) categories |= kPageSoftDirty;
  return categories;
}

bool matches(std::uint64_t categories, const PageQuery& query) {
  const auto seen = categories ^ query.inverted;
  return (seen & query.all_of) == query.all_of && (query.any_of == 0 || (seen & query.any_of) != 0);
}

}  // namespace

Result<PageMap> PageMap::open(HostPid pid) {
  auto file = open_file("/proc/" + std::to_string(pid.value) + "/pagemap", O_RDONLY);
  if (!file) return std::unexpected(ended_or(pid, file.error()));
  return PageMap(std::move(*file));
}

Result<std::vector<PageRegion>> PageMap::scan(std::uint64_t start, std::uint64_t end,
                                              const PageQuery& query) const {
  std::vector<PageRegion> regions;
  std::array<ScanRegion, 1024> piece{};
  ScanArguments arguments{};
  arguments.size = sizeof arguments;
  arguments.flags = query.write_protect ? kWriteProtectMatching : 0;
  arguments.vec = reinterpret_cast<std::uint64_t>(piece.data());
  arguments.vec_len = piece.size();
  arguments.category_inverted = query.inverted;
  arguments.category_mask = query.all_of;
  arguments.category_anyof_mask = query.any_of;
  arguments.return_mask = query.returned;
  while (start < end) {
    arguments.start = start;
    arguments.end = end;
    const int count = ::ioctl(file_.get(), kPagemapScan, &arguments);
    if (count < 0 && (errno == ENOTTY || errno == EINVAL)) return scan_entries(start, end, query);
    if (count < 0) return system_error("scan the pages of a process");
    for (int i = 0; i < count; ++i) {
      const auto& found = piece[static_cast<std::size_t>(i)];
      append(regions, {found.start, found.end, found.categories});
    }
    if (arguments.walk_end <= start) break;
    start = arguments.walk_end;
  }
  return regions;
}

Result<std::vector<PageRegion>> PageMap::scan_entries(std::uint64_t start, std::uint64_t end,
                                                      const PageQuery& query) const {
  if (query.write_protect)
    return failure(ErrorCode::kUnsupported,
                   "this kernel cannot track written pages (PAGEMAP_SCAN)");
  std::vector<PageRegion> regions;
  std::vector<std::uint64_t> entries(65536);
  while (start < end) {
    const auto wanted = std::min<std::uint64_t>((end - start) / kPage, entries.size());
    const ssize_t got = ::pread(file_.get(), entries.data(), wanted * sizeof(std::uint64_t),
                                static_cast<off_t>(start / kPage * sizeof(std::uint64_t)));
    if (got < 0) return system_error("read the page map of a process");
    const auto count = static_cast<std::uint64_t>(got) / sizeof(std::uint64_t);
    if (count == 0) break;
    for (std::uint64_t i = 0; i < count; ++i, start += kPage) {
      const auto categories = categories_of(entries[i]);
      if (matches(categories, query))
        append(regions, {start, start + kPage, categories & query.returned});
    }
  }
  return regions;
}

}  // namespace llrun::tracer
