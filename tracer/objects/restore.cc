#include "tracer/objects/restore.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "tracer/objects/layout.h"
#include "tracer/objects/posix_timers.h"
#include "tracer/objects/process.h"
#include "tracer/objects/process_limits.h"
#include "tracer/objects/process_mappings.h"
#include "tracer/objects/restore_memory.h"
#include "tracer/objects/signals.h"
#include "tracer/objects/threads.h"
#include "tracer/objects/timers.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {
namespace {

constexpr std::uint64_t kThreadFlags =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
constexpr std::uint64_t kZerosAtOnce = 1 << 20;
constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13
// An id can stay taken for some milliseconds after its owner has gone.
constexpr int kMaxIdTries = 1000;

std::vector<RemoteRange> ranges_of(const image::MemoryLayout& layout) {
  std::vector<RemoteRange> ranges;
  for (const auto& mapping : layout.mappings())
    ranges.push_back({{mapping.start()}, {mapping.end()}});
  return ranges;
}

Error in_step(const std::string& step, Error error) {
  error.attempted = "restore: " + step + ": " + error.attempted;
  return error;
}

Result<> drop_capabilities(RemoteSyscalls& calls, RemoteArena arena) {
  Batch batch(calls, arena);
  const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::array<__user_cap_data_struct, 2> none{};
  LLRUN_TRY_ASSIGN(const auto header_at, batch.arena().put_value(header));
  LLRUN_TRY_ASSIGN(const auto none_at, batch.arena().put_value(none));
  batch.add(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  batch.add(SYS_capset, header_at, none_at);
  return batch.run_all_must_succeed("give up capabilities");
}

Result<> set_layout(RemoteSyscalls& calls, RemoteArena arena, const image::MemoryLayout& layout,
                    const RestoreOptions& options) {
  if (!options.set_executable) return restore_layout(calls, arena, layout, -1);
  LLRUN_TRY_ASSIGN(const auto fd, open_in_target(calls, arena, options.files, layout.exe_id(),
                                                 layout.exe_path(), layout.exe_inode()));
  const auto set = restore_layout(calls, arena, layout, static_cast<int>(fd));
  LLRUN_TRY(calls.call(SYS_close, fd));
  return set;
}

// They are in order (imagefmt/validate.h), and there may be tens of thousands, asked of as often.
bool is_file_at(const image::MemoryLayout& layout, std::uint64_t address) {
  const auto& mappings = layout.mappings();
  const auto after = std::ranges::upper_bound(mappings, address, {}, &image::Mapping::start);
  if (after == mappings.begin()) return false;
  const auto& mapping = *std::prev(after);
  return is_file_mapping(mapping) && address < mapping.end();
}

FirstRights first_rights(const image::Process& process) {
  const bool limited = std::ranges::any_of(process.limits(), [](const auto& limit) {
    return limit.resource() == RLIMIT_DATA && limit.soft() != RLIM_INFINITY;
  });
  if (limited) return FirstRights::kFinal;
  return process.memory().mdwe() != 0 ? FirstRights::kWritableUnlessExecutable
                                      : FirstRights::kWritable;
}

// Where memory has no seal and can be unmapped: everything but the stub.
Result<> clear_and_map(RemoteSyscalls& calls, RemoteArena arena, const StubPage& stub,
                       const image::Process& process, const FileSources& files) {
  LLRUN_TRY(unmap_all_but(calls, arena, {stub.range()}));
  LLRUN_TRY(move_kernel_mappings(calls, process.memory()));
  return map_memory(calls, arena, process.memory(), files, first_rights(process));
}

}  // namespace

Result<> Restorer::lay_out(SyscallSite site, std::optional<StubPage> stub) {
  LLRUN_TRY(place_stub(site, stub));
  return in_main("memory", [&](RemoteSyscalls& calls, RemoteArena arena) -> Result<> {
    // A shadow's may have become unfit for the program, which is better known before its memory has
    // been sent.
    if (!options_.make_threads)
      LLRUN_TRY(restore_directory(calls, arena, process_.working_directory()));
    return clear_and_map(calls, arena, *stub_, process_, options_.files);
  });
}

Result<> Restorer::place_stub(SyscallSite site, std::optional<StubPage> stub) {
  auto taken = ranges_of(process_.memory());
  const auto free_for = [&taken](const RemoteRange& range) {
    return std::ranges::none_of(taken, [&](const auto& other) { return other.overlaps(range); });
  };
  if (stub && free_for(stub->range())) {
    stub_ = stub;
    return {};
  }
  LLRUN_TRY_ASSIGN(const auto maps, read_maps(pid()));
  for (const auto& entry : maps) taken.push_back({{entry.start}, {entry.end}});
  LLRUN_TRY_ASSIGN(const auto hole, find_hole(taken, StubPage::kSize));
  LLRUN_TRY_ASSIGN(auto calls,
                   RemoteSyscalls::borrow(pid(), threads_.stopped(main_thread()), site));
  LLRUN_TRY_ASSIGN(stub_, StubPage::map(calls, hole));
  return calls.finish();
}

Result<> Restorer::in_main(const std::string& step,
                           const std::function<Result<>(RemoteSyscalls&, RemoteArena)>& work) {
  return in_thread(main_thread(), step, work);
}

Result<> Restorer::in_thread(HostTid tid, const std::string& step,
                             const std::function<Result<>(RemoteSyscalls&, RemoteArena)>& work) {
  const auto run = [&]() -> Result<> {
    LLRUN_TRY_ASSIGN(auto calls,
                     RemoteSyscalls::borrow(pid(), threads_.stopped(tid), stub_->site()));
    LLRUN_TRY(work(calls, arena()));
    return calls.finish();
  };
  auto done = run();
  if (!done) return std::unexpected(in_step(step, done.error()));
  return {};
}

Result<> Restorer::land(RemoteAddr address, std::span<const std::byte> bytes) {
  return write_memory(pid(), address, bytes);
}

Result<> Restorer::land_range(const image::PageRange& range) {
  const std::uint64_t size = range.pages() * kPageSize;
  if (range.kind() == image::PageRange::KIND_GUARD)
    return in_main("guard pages", [&](RemoteSyscalls& calls, RemoteArena) -> Result<> {
      LLRUN_TRY(calls.call(SYS_madvise, range.start(), size, kGuardInstall));
      return {};
    });
  if (!is_file_at(process_.memory(), range.start())) return {};
  // In pieces: how many pages there are is another node's word.
  const std::vector<std::byte> zeros(std::min<std::uint64_t>(size, kZerosAtOnce));
  for (std::uint64_t done = 0; done < size; done += zeros.size()) {
    const auto piece = std::span(zeros).first(std::min<std::uint64_t>(size - done, zeros.size()));
    LLRUN_TRY(land(RemoteAddr{range.start() + done}, piece));
  }
  return {};
}

Result<> Restorer::finish() {
  LLRUN_TRY(restore_process());
  LLRUN_TRY(match_threads());
  LLRUN_TRY(restore_threads());
  return last_steps();
}

Result<> Restorer::restore_process() {
  return in_main("process", [this](RemoteSyscalls& calls, RemoteArena arena) -> Result<> {
    LLRUN_TRY(settle_memory(calls, arena, process_.memory()));
    LLRUN_TRY(set_layout(calls, arena, process_.memory(), options_));
    LLRUN_TRY(restore_actions(calls, arena, process_.actions()));
    if (!options_.restore_settings) return {};
    LLRUN_TRY(restore_limits(calls, arena, process_));
    return restore_attributes(calls, arena, process_);
  });
}

Result<> Restorer::match_threads() {
  ids_[GuestTid{process_.pid()}] = main_thread();
  for (const auto& thread : process_.threads()) {
    const GuestTid tid{thread.tid()};
    if (ids_.contains(tid)) continue;
    if (options_.make_threads)
      LLRUN_TRY(make_thread(tid));
    else
      ids_[tid] = HostTid{tid.value};
  }
  const auto there = threads_.tids();
  for (const auto& [guest, host] : ids_)
    if (std::ranges::find(there, host) == there.end())
      return failure(ErrorCode::kGone,
                     "restore: thread " + std::to_string(guest.value) + " is missing");
  return {};
}

Result<> Restorer::make_thread(GuestTid tid) {
  HostTid made;
  LLRUN_TRY(in_main("make thread", [&](RemoteSyscalls& calls, RemoteArena arena) -> Result<> {
    LLRUN_TRY_ASSIGN(const auto id, arena.put_value(tid.value));
    clone_args arguments{};
    arguments.flags = kThreadFlags;
    arguments.set_tid = id.value;
    arguments.set_tid_size = 1;
    LLRUN_TRY_ASSIGN(const auto place, arena.put_value(arguments));
    auto result = calls.call(SYS_clone3, place, sizeof arguments);
    for (int i = 0; i < kMaxIdTries && !result && result.error().errno_value == EEXIST; ++i) {
      const timespec nap{0, 1'000'000};
      ::nanosleep(&nap, nullptr);
      result = calls.call(SYS_clone3, place, sizeof arguments);
    }
    LLRUN_TRY(result);
    for (const auto& event : calls.take_events())
      if (const auto* clone = event.as<CloneEvent>()) made = clone->child;
    return {};
  }));
  LLRUN_TRY(next_stop(made));
  threads_.add_stopped(StoppedThread::seen_stopped(made));
  ids_[tid] = made;
  return {};
}

Result<> Restorer::restore_threads() {
  for (const auto& thread : process_.threads()) {
    const auto work = [&](RemoteSyscalls& calls, RemoteArena arena) {
      return restore_thread_state(calls, arena, thread);
    };
    LLRUN_TRY(
        in_thread(ids_[GuestTid{thread.tid()}], "thread " + std::to_string(thread.tid()), work));
  }
  return {};
}

Result<> Restorer::last_steps() {
  LLRUN_TRY(
      in_main("signals and timers", [&](RemoteSyscalls& calls, RemoteArena arena) -> Result<> {
        LLRUN_TRY(queue_to_process(calls, arena, process_.pending()));
        LLRUN_TRY(arm_interval_timers(calls, arena, process_.interval_timers()));
        LLRUN_TRY(make_posix_timers(calls, arena, process_.posix_timers()));
        if (options_.before_release) LLRUN_TRY(options_.before_release(calls, arena));
        return {};
      }));
  for (const auto& thread : process_.threads()) {
    const auto tid = ids_[GuestTid{thread.tid()}];
    if (options_.drop_capabilities) LLRUN_TRY(in_thread(tid, "capabilities", drop_capabilities));
    const auto done = restore_registers(pid(), threads_.stopped(tid), thread, arena(), sleeps_);
    if (!done) return std::unexpected(in_step("registers", done.error()));
  }
  return {};
}

Result<ThreadSet> Restorer::release(bool run) {
  if (run) {  // what cannot be resumed has ended
    const auto shortened = sleeps_.resume_from(threads_);
    LLRUN_TRY(threads_.resume_all());
    LLRUN_TRY(shortened);
  }
  return std::move(threads_);
}

}  // namespace llrun::tracer
