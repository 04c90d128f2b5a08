// World: the namespaces and mounts a guest lives in, seen from the guest's supervisor.
//
// Two processes stand between. The *warden*, a child of the supervisor, owns the user and time
// namespaces and watches both ends: when the supervisor or init is gone, so is the other. *Init*,
// process 1 of the world's pid namespace, builds the tree and makes the guest's kin: placeholders
// that have the ids of its parent, its session's and its group's leader at home. Once the world is
// built, neither touches a file of the file view. The world ends with the supervisor, however that
// ends (docs/world.md).
//
//   create()       namespaces, ids, clocks, host name, network; mounts the file view, asks nothing
//   of it enter_view()   /proc and /dev over it, makes it the root; the file view must be served
//   meanwhile open_terminal(), spawn_guest(), release_guest(), … in this order destroy() everything
//   gone; then the owner ends the file view's connection
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "supervisor/protocol/job.pb.h"
#include "supervisor/world/clocks.h"

namespace llrun {

struct WorldOptions {
  // Mount the tree of the world on `mountpoint`. Runs in the world's init, a forked copy of this
  // process that has one thread: it may call the kernel and allocate, but must not log or wait for
  // other threads. The descriptors it gives back (of /dev/fuse, say; at most two) are handed to the
  // supervisor by take_view_devices() and closed in the world.
  std::function<Result<std::vector<Fd>>(const std::string& mountpoint)> mount_view;
  int nice = 0;  // of everything in the world; not below the supervisor's own
};

class World {
 public:
  // Blocks for some milliseconds. The process should be small, since it is forked. kUnsupported:
  // this node cannot host, in words.
  [[nodiscard]] static Result<std::unique_ptr<World>> create(const protocol::MakeWorld& make,
                                                             WorldOptions options);
  ~World();  // destroy()
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // What mount_view returned.
  [[nodiscard]] std::vector<Fd> take_view_devices() { return std::exchange(view_devices_, {}); }
  // Make the mounted tree the root. It is asked for its entries "proc" and "dev" (directories that
  // must be there) and "dev/shm": whoever serves it must not be waiting for this call.
  [[nodiscard]] Result<> enter_view();

  // Make the terminal that programs know by this path ("/dev/pts/3"): raw, without echo. Returns
  // the master end. `controlling`: it becomes the controlling terminal of the guest's session, with
  // the guest's group in the foreground (which group that is at home, home knows). Before
  // spawn_guest(). kUnsupported: the path is not a pseudo-terminal, or its number is beyond what
  // this node allows.
  [[nodiscard]] Result<Fd> open_terminal(const std::string& path, bool controlling);

  struct Guest {
    HostPid pid{};  // as the supervisor's ptrace, kill and /proc take it
    Fd pidfd;
  };
  // Make the guest's process and its kin with home's ids. It waits, can be seized, and goes on to
  // execute `executable` (a static ELF, with the capabilities of docs/world.md) at release_guest():
  // seize it with PTRACE_O_TRACEEXEC in between to meet it at its exec. Once. kUnsupported: ids
  // that cannot be had.
  [[nodiscard]] Result<Guest> spawn_guest(const Fd& executable);
  [[nodiscard]] Result<> release_guest();

  // Home's clocks minus this node's, in the world.
  [[nodiscard]] const world::ClockOffsets& clocks() const { return clocks_; }
  // How long until CLOCK_MONOTONIC and CLOCK_BOOTTIME in the world are not before these times of
  // home's. They are home's as nearly as home could tell, so they may be a little behind.
  [[nodiscard]] std::chrono::nanoseconds until_clocks_show(std::int64_t monotonic_ns,
                                                           std::int64_t boottime_ns) const;

  // The next process or thread that starts in the world gets this id, if nobody else starts one
  // first: hold the world's id lock from here until its clone event.
  [[nodiscard]] Result<> set_next_pid(GuestTid id);
  // The guest's parent has died at home, and `heir` has become its parent there: getppid() shows it
  // soon, or 1 if it is none of MakeWorld.ancestors. Signals of the kernel that this causes in the
  // world (SIGHUP, SIGCONT) do not come from home, so the tracer drops them.
  [[nodiscard]] Result<> parent_died(GuestPid heir);

  // A descriptor by which SIGKILL can be sent to everything in the world (end_all), from any
  // thread.
  [[nodiscard]] Result<Fd> handle() const { return init_pidfd_.duplicate(); }
  static void end_all(const Fd& handle);

  // End every process in the world and wait until all are gone: kTimeout with the file view's
  // server silent or with tracees that their tracer keeps. Idempotent. No other call may be under
  // way.
  [[nodiscard]] Result<> destroy(std::chrono::milliseconds timeout = std::chrono::seconds(10));

  // A pidfd of init: readable when the world has ended, whatever the reason.
  [[nodiscard]] int ended_fd() const { return init_pidfd_.get(); }
  // Which ids the world has, and what a person might want to know of them: send it home.
  [[nodiscard]] const protocol::WorldReady& ready() const { return ready_; }

 private:
  struct Call;
  World() = default;
  [[nodiscard]] Result<> start(const protocol::MakeWorld& make, const WorldOptions& options);
  [[nodiscard]] Result<Fd> call(const Call& what);
  void reap_tracees();

  std::mutex call_mutex_;
  Fd warden_line_;  // its end of file is the warden's order to end everything
  Fd command_;      // to init
  Fd init_pidfd_;
  std::vector<Fd> view_devices_;
  Fd guest_line_;  // to the guest's process until it is released
  HostPid warden_{}, guest_{};
  protocol::WorldReady ready_;
  world::ClockOffsets clocks_;
};

}  // namespace llrun
