#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <string>
#include <tuple>

#include "base/fd.h"
#include "tracer/objects/process.h"
#include "tracer/procfs/stat.h"
#include "tracer/remote/batch.h"

namespace llrun::tracer {
namespace {

constexpr int kSetMdwe = 65;  // PR_SET_MDWE, Linux 6.3

Result<> write_file(HostPid pid, const char* file, const std::string& text) {
  LLRUN_TRY_ASSIGN(const Fd fd,
                   open_file("/proc/" + std::to_string(pid.value) + "/" + file, O_WRONLY));
  return write_all(fd.get(), bytes_of(std::string_view(text)));
}

void add_settings(Batch& batch, const image::Process& process) {
  batch.add(SYS_umask, process.umask());
  batch.add(SYS_personality, process.personality());
  batch.add(SYS_prctl, PR_SET_DUMPABLE, process.dumpable() ? 1 : 0, 0, 0, 0);
  batch.add(SYS_prctl, PR_SET_CHILD_SUBREAPER, process.child_subreaper() ? 1 : 0, 0, 0, 0);
  batch.add(SYS_prctl, PR_SET_KEEPCAPS, process.keep_capabilities() ? 1 : 0, 0, 0, 0);
  batch.add(SYS_prctl, PR_SET_PDEATHSIG, process.parent_death_signal(), 0, 0, 0);
  batch.add(SYS_prctl, PR_SET_THP_DISABLE, process.memory().thp_disabled() ? 1 : 0, 0, 0, 0);
  if (process.memory().mdwe() != 0)
    batch.add(SYS_prctl, kSetMdwe, process.memory().mdwe(), 0, 0, 0);
  if (process.no_new_privileges()) batch.add(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  for (std::uint64_t bit = 1; bit != 0; bit <<= 1)
    if (process.membarrier_registrations() & bit) batch.add(SYS_membarrier, bit, 0, 0);
}

// Only ever upwards: a node may run its guests niced below its owner's work, and downwards is not
// allowed.
Result<> restore_nice(RemoteSyscalls& calls, const image::Process& process) {
  LLRUN_TRY_ASSIGN(const auto stat, read_stat(calls.pid()));
  if (process.nice() <= stat.nice) return {};
  LLRUN_TRY(calls.call(SYS_setpriority, PRIO_PROCESS, 0, process.nice()));
  return {};
}

}  // namespace

Result<> restore_directory(RemoteSyscalls& calls, RemoteArena arena, const std::string& path) {
  if (path.empty()) return {};
  arena.clear();
  LLRUN_TRY_ASSIGN(const auto place, arena.put_string(path));
  const auto changed = calls.call(SYS_chdir, place);
  if (changed) return {};
  return system_error("enter the working directory " + path, changed.error().errno_value);
}

Result<> restore_attributes(RemoteSyscalls& calls, RemoteArena arena,
                            const image::Process& process) {
  LLRUN_TRY(restore_directory(calls, arena, process.working_directory()));
  Batch batch(calls, arena);
  add_settings(batch, process);
  LLRUN_TRY(batch.run_all_must_succeed("restore the process's settings"));
  LLRUN_TRY(restore_nice(calls, process));
  // Best effort: what is dumped in a crash, and who is killed first when memory is short.
  std::ignore =
      write_file(calls.pid(), "coredump_filter", std::to_string(process.coredump_filter()));
  std::ignore =
      write_file(calls.pid(), "oom_score_adj", std::to_string(process.oom_score_adjustment()));
  return {};
}

}  // namespace llrun::tracer
