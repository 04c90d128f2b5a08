// What the CPU and the kernel's vdso promise to programs on this node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace llrun::traits {

struct CpuInfo {
  std::string vendor;
  std::vector<std::string> flags;
};
// The first processor of the text of /proc/cpuinfo; all processors of a node are alike to programs.
[[nodiscard]] CpuInfo parse_cpuinfo(std::string_view text);

// Whether programs can come to depend on this flag of /proc/cpuinfo. Flags of the kernel's own use,
// of virtual machines and of power saving are not theirs.
[[nodiscard]] bool matters_to_programs(std::string_view flag);

struct ExtendedState {
  std::uint64_t components = 0;  // XCR0: what the kernel has switched on
  std::uint32_t bytes = 0;       // of the XSAVE area for these (CPUID leaf 0xD)
};
[[nodiscard]] ExtendedState extended_state();

// The bytes of the vdso as mapped into this process; empty: there is none.
[[nodiscard]] std::span<const std::byte> own_vdso();
// XXH3-128, 16 bytes, canonical. kUnsupported: not an ELF image with the clock functions that
// programs look for.
[[nodiscard]] Result<std::string> vdso_hash(std::span<const std::byte> vdso);

}  // namespace llrun::traits
