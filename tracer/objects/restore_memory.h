// Mapping a record's memory into an empty address space.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/memory.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {

// How a mapped file is had again. A function that is empty is not asked.
struct FileSources {
  // The path that the target is to open for home's description `id`: the file view has been told
  // which file it is that will be opened there next. `path`: where it was; empty: that name has
  // been found to lead to another one.
  std::function<Result<std::string>(std::uint64_t id, const std::string& path)> path_inside;
  // At home, whose names the caller can look up: a descriptor of ours for a file to which its name
  // leads no more. None: it does.
  std::function<Result<std::optional<Fd>>(const image::Mapping& mapping)> nameless;
};

// What private memory is mapped with before its pages have landed: writable, but where the process
// may not have that even for a while. Its executable memory (PR_SET_MDWE), or all of it, where what
// is writable is limited (RLIMIT_DATA). Pages that are written into such memory take longer.
enum class FirstRights : std::uint8_t { kWritable, kWritableUnlessExecutable, kFinal };

// Map everything but the kernel's mappings. Files are opened by path in the target, or come from
// `sources`.
[[nodiscard]] Result<> map_memory(RemoteSyscalls& calls, RemoteArena arena,
                                  const image::MemoryLayout& layout, const FileSources& sources,
                                  FirstRights rights);
// A descriptor of the target for the file that was `path` and has this inode; 0: any. The caller
// closes it there.
[[nodiscard]] Result<std::uint64_t> open_in_target(RemoteSyscalls& calls, RemoteArena arena,
                                                   const FileSources& sources, std::uint64_t id,
                                                   const std::string& path, std::uint64_t inode);
// Protections, locks, advice, names, seals: after the pages have landed.
[[nodiscard]] Result<> settle_memory(RemoteSyscalls& calls, RemoteArena arena,
                                     const image::MemoryLayout& layout);

}  // namespace llrun::tracer
