#include "supervisor/traits/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "tracer/procfs/text.h"
#include "tracer/procfs/timers.h"
#include "tracer/procfs/vdso.h"

namespace llrun::traits {
namespace {

constexpr std::size_t kSize = 4096;

// MAP_DROPPABLE is newer than the headers this may be built with.
bool maps_droppable_memory() {
  constexpr int kMapDroppable = 0x08;
  void* const at =
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | kMapDroppable, -1, 0);
  if (at == MAP_FAILED) return false;
  ::munmap(at, kSize);
  return true;
}

bool guards_pages() {
  constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13
  void* const at =
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (at == MAP_FAILED) return false;
  const bool done = ::madvise(at, kSize, kGuardInstall) == 0;
  ::munmap(at, kSize);
  return done;
}

// 0: it cannot be read.
std::uint64_t setting(const char* path) {
  const auto text = read_whole_file(path).value_or("");
  return tracer::parse_number<std::uint64_t>(tracer::trim(text)).value_or(0);
}

}  // namespace

void add_memory(protocol::NodeTraits& traits) {
  traits.set_droppable_memory(maps_droppable_memory());
  traits.set_guard_pages(guards_pages());
  traits.set_timer_ids(tracer::can_restore_timer_ids());
  traits.set_most_mappings(setting("/proc/sys/vm/max_map_count"));
  traits.set_first_address(setting("/proc/sys/vm/mmap_min_addr"));
  traits.set_largest_pipe(setting("/proc/sys/fs/pipe-max-size"));
  const auto own = tracer::read_smaps(HostPid{::getpid()});
  if (!own) return;
  traits.set_vdso_parts(tracer::vdso_parts(*own));
  traits.set_vdso_sealed(tracer::is_vdso_sealed(*own));
}

}  // namespace llrun::traits
