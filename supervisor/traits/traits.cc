#include "supervisor/traits/traits.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "supervisor/traits/cpu.h"
#include "supervisor/traits/memory.h"

namespace llrun {
namespace {

// A guest gets these from who makes it, and cannot raise them.
void add_hard_limits(protocol::NodeTraits& found) {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
    found.add_hard_limits(limit.rlim_max);
  }
}

protocol::NodeTraits find_out() {
  protocol::NodeTraits found;
  const auto info = traits::parse_cpuinfo(read_whole_file("/proc/cpuinfo").value_or(""));
  found.set_cpu_vendor(info.vendor);
  for (const auto& flag : info.flags) found.add_cpu_flags(flag);
  const auto state = traits::extended_state();
  found.set_xcr0(state.components);
  found.set_xsave_size(state.bytes);
  found.set_vdso(traits::vdso_hash(traits::own_vdso()).value_or(""));
  utsname names{};
  if (::uname(&names) == 0) found.set_kernel_release(names.release);
  traits::add_memory(found);
  found.set_hosts_guests(true);
  add_hard_limits(found);
  return found;
}

}  // namespace

protocol::NodeTraits local_traits() {
  static const protocol::NodeTraits lasting = find_out();
  return lasting;
}

}  // namespace llrun
