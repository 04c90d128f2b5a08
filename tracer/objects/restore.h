// Restorer: fills an empty process, or a shadow, from a record.
//
//   begin   clears the address space, puts the stub and the kernel's mappings in place, maps
//   everything land    the caller brings the pages, in any order finish  everything else: layout,
//   settings, signals, threads; afterwards all threads are what they were,
//           stopped
//   release lets them run
//
// An error names the step; the process is then half made and must be ended by the caller. All
// injected calls come from one page, stub().range(): a seccomp filter installed by the hook must
// let that page call.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/restore_memory.h"
#include "tracer/objects/sleeps.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_arena.h"

namespace llrun::tracer {

struct RestoreOptions {
  // Threads that are missing are made with their ids (needs CAP_CHECKPOINT_RESTORE over the
  // process's pid namespace). Without it each thread of the record must be there: a shadow has them
  // all.
  bool make_threads = false;
  // /proc/PID/exe becomes the program's (needs the same).
  bool set_executable = false;
  // Each thread gives its capabilities up at the end.
  bool drop_capabilities = false;
  // How files that it had mapped are had again.
  FileSources files;
  // Interval timers, limits and settings are the node's as well as the program's; left alone if
  // false.
  bool restore_settings = true;
  // Called in the main thread when everything but registers is in place, for descriptors and the
  // filter.
  std::function<Result<>(RemoteSyscalls& calls, RemoteArena arena)> before_release;
};

class Restorer {
 public:
  // `threads`: all of the target, stopped. release() hands them over also after a failed step.
  Restorer(image::Process process, ThreadSet threads, RestoreOptions options)
      : process_(std::move(process)), threads_(std::move(threads)), options_(std::move(options)) {}

  // Clears the target's memory and maps the program's. `site`: where its main thread can make
  // calls. `stub`: a full stub page (with arena) that is mapped already: a shadow's.
  [[nodiscard]] Result<> lay_out(SyscallSite site, std::optional<StubPage> stub);

  // Put pages in place; whole pages of one or more mappings.
  [[nodiscard]] Result<> land(RemoteAddr address, std::span<const std::byte> bytes);
  // Pages that are all zero or guard pages.
  [[nodiscard]] Result<> land_range(const image::PageRange& range);

  [[nodiscard]] Result<> finish();
  // Let the threads run, or only hand them over, stopped.
  [[nodiscard]] Result<ThreadSet> release(bool run = true);
  // What its threads sleep in, for whoever lets them go, or stops them next.
  [[nodiscard]] Sleeps take_sleeps() { return std::move(sleeps_); }

  [[nodiscard]] HostPid pid() const { return threads_.pid(); }
  // Where its threads are while they are not the program's; none before it is laid out.
  [[nodiscard]] const std::optional<StubPage>& stub() const { return stub_; }
  [[nodiscard]] RemoteAddr stub_syscall_address() const { return stub_->site().address; }
  // Which thread of ours each thread of the program became.
  [[nodiscard]] const std::map<GuestTid, HostTid>& threads() const { return ids_; }

 private:
  [[nodiscard]] Result<> place_stub(SyscallSite site, std::optional<StubPage> stub);
  [[nodiscard]] Result<> in_main(const std::string& step,
                                 const std::function<Result<>(RemoteSyscalls&, RemoteArena)>& work);
  [[nodiscard]] Result<> in_thread(
      HostTid tid, const std::string& step,
      const std::function<Result<>(RemoteSyscalls&, RemoteArena)>& work);
  [[nodiscard]] Result<> match_threads();
  [[nodiscard]] Result<> make_thread(GuestTid tid);
  [[nodiscard]] Result<> restore_process();
  [[nodiscard]] Result<> restore_threads();
  [[nodiscard]] Result<> last_steps();
  [[nodiscard]] RemoteArena arena() const { return {pid(), stub_->arena()}; }
  [[nodiscard]] HostTid main_thread() const { return {pid().value}; }

  image::Process process_;
  ThreadSet threads_;
  RestoreOptions options_;
  std::optional<StubPage> stub_;
  std::map<GuestTid, HostTid> ids_;
  Sleeps sleeps_;
};

}  // namespace llrun::tracer
