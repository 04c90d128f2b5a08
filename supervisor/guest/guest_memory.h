// A guest's memory as the guest itself may use it: what its kernel would write for a call, and no
// more. A tracer may write anywhere, a program's constants included.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/procfs/smaps.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {

// Where the guest may write, as it is at this moment.
class WritableMemory {
 public:
  [[nodiscard]] static Result<WritableMemory> of(HostPid guest);
  // How many of `size` bytes from `at` on, up to the first that it may not write.
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t at, std::uint64_t size) const;

 private:
  explicit WritableMemory(std::vector<tracer::MapEntry> maps) : maps_(std::move(maps)) {}
  std::vector<tracer::MapEntry> maps_;
};

// All of it, or EFAULT and what comes before the first byte that the guest may not write.
[[nodiscard]] Result<> write_as_guest(HostPid guest, tracer::RemoteAddr to,
                                      std::span<const std::byte> bytes);

}  // namespace llrun
