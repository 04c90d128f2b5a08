// Memory: what is mapped, which pages hold something that cannot be had elsewhere, and reading
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/pins.h"
#include "tracer/procfs/smaps.h"
#include "tracer/remote/remote_memory.h"

namespace llrun::tracer {

// mmap's MAP_DROPPABLE (Linux 6.11), in place of MAP_PRIVATE: memory that the kernel may empty when
// it runs short, and that a child finds empty.
inline constexpr int kMapDroppable = 0x08;
// Whether the process has some.
[[nodiscard]] Result<bool> has_droppable_memory(HostPid pid);
// Whether it has pages that must not be touched (MADV_GUARD_INSTALL, Linux 6.13).
[[nodiscard]] Result<bool> has_guard_pages(HostPid pid);

struct MemoryOptions {
  // Our own mappings in the program (the stub page): left out.
  std::vector<RemoteRange> not_the_programs;
  // Whether the path still names the mapped file. Empty: stat(2) here, right where the program has
  // our root. In a world the supervisor answers as the file view does.
  std::function<bool(const MapEntry&)> names_the_file;
};

struct MappingCapture {
  std::vector<image::Mapping> mappings;
  Pins pins;
};

// The mappings of `pid`, or what about them holds the process here. Needs no attachment.
[[nodiscard]] Result<MappingCapture> capture_mappings(HostPid pid,
                                                      const MemoryOptions& options = {});
// The same judgement at less cost: for `why` and for eligibility once a second.
[[nodiscard]] Result<Pins> memory_pins(HostPid pid);

// The stretches of pages that travel: anonymous pages, private copies of file pages, everything of
// shared anonymous memory and of BACKING_FILE_COPIED; zero pages and guard pages as such.
[[nodiscard]] Result<std::vector<image::PageRange>> plan_pages(
    HostPid pid, const std::vector<image::Mapping>& mappings);

using PageSink = std::function<Result<>(RemoteAddr address, std::span<const std::byte> bytes)>;
// Read the KIND_DATA ranges of `plan` in pieces of at most `piece` bytes. A page that the program
// has and that cannot be read is an error; pages beyond the end of a mapped file are left out.
[[nodiscard]] Result<> for_each_page_block(HostPid pid, const std::vector<image::PageRange>& plan,
                                           const PageSink& sink, std::size_t piece = 1 << 20);
// A sink that passes on only the stretches that are not all zero, page by page.
[[nodiscard]] PageSink without_zero_pages(PageSink sink);

// How the program's image maps one mapping at its destination.
[[nodiscard]] bool is_kernel_mapping(const image::Mapping& mapping);  // vdso, vvar, vsyscall
[[nodiscard]] bool is_file_mapping(const image::Mapping& mapping);    // BACKING_FILE
[[nodiscard]] bool is_droppable(const image::Mapping& mapping);       // MAP_DROPPABLE
[[nodiscard]] bool has_vm_flag(const image::Mapping& mapping, std::string_view flag);

}  // namespace llrun::tracer
