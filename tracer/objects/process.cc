#include "tracer/objects/process.h"

#include <linux/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "base/fd.h"
#include "tracer/objects/layout.h"
#include "tracer/objects/mapping_pins.h"
#include "tracer/objects/posix_timers.h"
#include "tracer/objects/process_limits.h"
#include "tracer/objects/signals.h"
#include "tracer/objects/threads.h"
#include "tracer/objects/timers.h"
#include "tracer/procfs/credentials.h"
#include "tracer/procfs/sched.h"
#include "tracer/procfs/stat.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

constexpr int kMembarrierGetRegistrations = 1 << 9;  // Linux 6.3
constexpr int kGetMdwe = 66;                         // PR_GET_MDWE, Linux 6.3
constexpr std::size_t kMaxGroups = 4096;

std::string proc(HostPid pid, const char* file) {
  return "/proc/" + std::to_string(pid.value) + "/" + file;
}

template <typename T>
T number_in(HostPid pid, const char* file, int base) {
  const auto text = read_whole_file(proc(pid, file)).value_or("");
  return parse_number<T>(trim(text), base).value_or(0);
}

void capture_files_of_proc(HostPid pid, image::Process& process) {
  const auto status = read_whole_file(proc(pid, "status")).value_or("");
  const auto umask = parse_number<std::uint32_t>(trim(value_of(status, "Umask").value_or("0")), 8);
  process.set_umask(umask.value_or(0));
  process.set_personality(number_in<std::uint32_t>(pid, "personality", 16));
  process.set_coredump_filter(number_in<std::uint32_t>(pid, "coredump_filter", 16));
  process.set_oom_score_adjustment(number_in<std::int32_t>(pid, "oom_score_adj", 10));
  process.set_working_directory(read_link(proc(pid, "cwd")).value_or(""));
  if (const auto stat = read_stat(pid)) {
    process.set_nice(stat->nice);
    process.set_terminal_session(stat->terminal);
  }
}

// Each number is one small call; -1 where the kernel does not know the question.
Result<> capture_numbers(RemoteSyscalls& calls, RemoteArena arena, image::Process& process) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto death_signal, batch.arena().put_value(int{0}));
  LLRUN_TRY_ASSIGN(const auto subreaper, batch.arena().put_value(int{0}));
  const auto pid = batch.add(SYS_getpid);
  const auto parent = batch.add(SYS_getppid);
  const auto session = batch.add(SYS_getsid, 0);
  const auto group = batch.add(SYS_getpgid, 0);
  const auto uid = batch.add(SYS_getuid);
  const auto gid = batch.add(SYS_getgid);
  const auto dumpable = batch.add(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  const auto no_new = batch.add(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  const auto huge = batch.add(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
  const auto mdwe = batch.add(SYS_prctl, kGetMdwe, 0, 0, 0, 0);
  const auto keep_capabilities = batch.add(SYS_prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0);
  batch.add(SYS_prctl, PR_GET_PDEATHSIG, death_signal, 0, 0, 0);
  batch.add(SYS_prctl, PR_GET_CHILD_SUBREAPER, subreaper, 0, 0, 0);
  const auto barriers = batch.add(SYS_membarrier, kMembarrierGetRegistrations, 0, 0);
  LLRUN_TRY(batch.run());
  process.set_pid(static_cast<std::int32_t>(batch.result(pid)));
  process.set_parent(static_cast<std::int32_t>(batch.result(parent)));
  process.set_session(static_cast<std::int32_t>(batch.result(session)));
  process.set_group(static_cast<std::int32_t>(batch.result(group)));
  process.set_uid(static_cast<std::uint32_t>(batch.result(uid)));
  process.set_gid(static_cast<std::uint32_t>(batch.result(gid)));
  process.set_dumpable(batch.result(dumpable) == 1);
  process.set_keep_capabilities(batch.result(keep_capabilities) == 1);
  process.set_no_new_privileges(batch.result(no_new) == 1);
  // With flags (Linux 6.18, PR_THP_DISABLE_EXCEPT_ADVISED) it is another setting.
  if (batch.succeeded(huge) && batch.result(huge) > 1)
    return failure(ErrorCode::kRefused,
                   "huge pages are switched off but where it asks for them "
                   "(PR_THP_DISABLE_EXCEPT_ADVISED), which is not carried");
  process.mutable_memory()->set_thp_disabled(batch.result(huge) == 1);
  if (batch.succeeded(mdwe))
    process.mutable_memory()->set_mdwe(static_cast<std::uint32_t>(batch.result(mdwe)));
  if (batch.succeeded(barriers)) process.set_membarrier_registrations(batch.result(barriers));
  LLRUN_TRY_ASSIGN(const int signal, batch.read<int>(death_signal));
  LLRUN_TRY_ASSIGN(const int reaper, batch.read<int>(subreaper));
  process.set_parent_death_signal(signal);
  process.set_child_subreaper(reaper != 0);
  return {};
}

Result<> capture_parent(RemoteSyscalls& calls, RemoteArena arena, image::Process& process) {
  Batch batch(calls, arena);
  const auto session = batch.add(SYS_getsid, process.parent());
  const auto group = batch.add(SYS_getpgid, process.parent());
  LLRUN_TRY(batch.run());
  if (batch.succeeded(session))
    process.set_parent_session(static_cast<std::int32_t>(batch.result(session)));
  if (batch.succeeded(group))
    process.set_parent_group(static_cast<std::int32_t>(batch.result(group)));
  return {};
}

Result<> capture_names_and_groups(RemoteSyscalls& calls, RemoteArena arena,
                                  image::Process& process) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto names, batch.arena().reserve(sizeof(utsname)));
  LLRUN_TRY_ASSIGN(const auto groups, batch.arena().reserve(kMaxGroups * sizeof(gid_t)));
  batch.add(SYS_uname, names);
  const auto count = batch.add(SYS_getgroups, kMaxGroups, groups);
  LLRUN_TRY(batch.run_all_must_succeed("read the groups and the host's name"));
  LLRUN_TRY_ASSIGN(const auto found, batch.read<utsname>(names));
  process.set_host_name(found.nodename);
  process.set_domain_name(found.domainname);
  std::vector<gid_t> ids(batch.result(count));
  LLRUN_TRY(read_memory(calls.pid(), groups, std::as_writable_bytes(std::span(ids))));
  process.mutable_groups()->Assign(ids.begin(), ids.end());
  return {};
}

std::uint64_t cpu_time(HostPid pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid.value, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

Result<> capture_by_calls(Freeze& freeze, image::Process& process) {
  LLRUN_TRY_ASSIGN(auto calls, freeze.calls_in_main());
  const auto arena = freeze.arena();
  LLRUN_TRY(capture_numbers(calls, arena, process));
  LLRUN_TRY(capture_parent(calls, arena, process));
  LLRUN_TRY(capture_names_and_groups(calls, arena, process));
  LLRUN_TRY(capture_limits(calls, arena, process));
  LLRUN_TRY(capture_actions(calls, arena, *process.mutable_actions()));
  LLRUN_TRY(capture_brk(calls, *process.mutable_memory()));
  return calls.finish();
}

// Whom a timer is for is known by the kernel's id of the thread here.
Result<> capture_timers_of_threads(Freeze& freeze, image::Process& process, Pins& pins) {
  ThreadIds ids;
  for (int i = 0; i < process.threads_size(); ++i)
    ids.emplace_back(freeze.threads()[static_cast<std::size_t>(i)].tid,
                     GuestTid{process.threads(i).tid()});
  LLRUN_TRY_ASSIGN(auto calls, freeze.calls_in_main());
  LLRUN_TRY_ASSIGN(
      pins, capture_posix_timers(calls, freeze.arena(), ids, *process.mutable_posix_timers()));
  return calls.finish();
}

// The timers run while they are read. What one rings after that is left to it: it will ring on the
// peer; what one has rung before goes along.
Result<> capture_signals_and_timers(Freeze& freeze, image::Process& process) {
  const auto& main = freeze.thread_set().stopped(freeze.main_thread());
  LLRUN_TRY_ASSIGN(const auto before, queued_signals(main, SignalQueue::kProcess));
  LLRUN_TRY_ASSIGN(auto calls, freeze.calls_in_main());
  LLRUN_TRY(read_interval_timers(calls, freeze.arena(), *process.mutable_interval_timers()));
  LLRUN_TRY(calls.finish());
  LLRUN_TRY_ASSIGN(const auto after, queued_signals(main, SignalQueue::kProcess));
  for (const auto& info : after) {
    const bool was_there = std::ranges::any_of(before, [&](const siginfo_t& earlier) {
      return earlier.si_signo == info.si_signo && earlier.si_code == info.si_code;
    });
    if (was_there || !has_rung_since(info, process.interval_timers()))
      *process.add_pending() = record_of_signal(info);
  }
  return {};
}

Result<> capture_threads(Freeze& freeze, image::Process& process, Pins& pins) {
  for (const auto& frozen : freeze.threads()) {
    LLRUN_TRY_ASSIGN(*process.add_threads(), capture_thread(freeze, frozen));
    process.mutable_threads()->rbegin()->set_cpu_time_ns(
        cpu_time_of_thread(freeze.pid(), frozen.tid));
  }
  LLRUN_TRY(capture_timers_of_threads(freeze, process, pins));
  return capture_signals_and_timers(freeze, process);
}

}  // namespace

Result<ProcessCapture> capture_process(Freeze& freeze, MemoryOptions options) {
  ProcessCapture capture;
  auto& process = capture.process;
  if (const int signal = freeze.thread_set().group_stop_signal(); signal != 0)
    capture.pins.push_back({"it is stopped (signal " + std::to_string(signal) + ")",
                            "let it run on (fg, or kill -CONT), then it can move"});
  if (!capture.pins.empty()) return capture;
  LLRUN_TRY(freeze.map_stub());
  options.not_the_programs.push_back(freeze.stub()->range());
  LLRUN_TRY_ASSIGN(auto layout, capture_layout(freeze.pid(), options));
  *process.mutable_memory() = std::move(layout.layout);
  capture.pins = std::move(layout.pins);
  if (!capture.pins.empty()) return capture;
  capture_files_of_proc(freeze.pid(), process);
  LLRUN_TRY(capture_by_calls(freeze, process));
  if (auto pin = forbidden_memory_pin(process.memory())) {
    capture.pins.push_back(std::move(*pin));
    return capture;
  }
  LLRUN_TRY(capture_threads(freeze, process, capture.pins));
  process.set_cpu_time_ns(cpu_time(freeze.pid()));
  process.set_monotonic_offset_ns(static_cast<std::uint64_t>(monotonic_now().count()));
  process.set_boot_offset_ns(static_cast<std::uint64_t>(boottime_now().count()));
  return capture;
}

}  // namespace llrun::tracer
