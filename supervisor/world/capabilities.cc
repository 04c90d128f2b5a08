#include "supervisor/world/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace llrun::world {

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

std::uint64_t kept_capabilities() {
  return std::uint64_t{1} << CAP_SYS_ADMIN | std::uint64_t{1} << CAP_CHECKPOINT_RESTORE;
}

Result<> keep_only_capabilities(std::uint64_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t half = 0; half < sets.size(); ++half) {
    const auto bits = static_cast<std::uint32_t>(mask >> (32 * half));
    sets[half] = {bits, bits, bits};
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return system_error("set capabilities");
  return {};
}

Result<> raise_ambient_capabilities(std::uint64_t mask) {
  for (unsigned long capability = 0; capability < 64; ++capability)
    if ((mask >> capability & 1) != 0 &&
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
      return system_error("raise an ambient capability");
  return {};
}

}  // namespace llrun::world
