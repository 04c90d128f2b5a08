// A user and pid namespace with an init that makes one empty process with a chosen id in it.
#pragma once

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <string>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tracer/procfs/directory.h"
#include "tracer/stub/stub.h"

namespace llrun::tracer {

class World {
 public:
  explicit World(pid_t guest_pid)
      : stub_(stub_executable_file().value_or(Fd())),
        helper_([this, guest_pid] { run(guest_pid); }) {}

  // The empty process, once it has exec'ed the stub.
  [[nodiscard]] Result<HostPid> guest() const {
    for (int tries = 0; tries < 20'000; ++tries) {
      const auto inits = list_children(helper_.pid()).value_or(std::vector<HostPid>());
      const auto guests = inits.empty() ? std::vector<HostPid>()
                                        : list_children(inits[0]).value_or(std::vector<HostPid>());
      if (!guests.empty() && is_stub(guests[0])) return guests[0];
      ::usleep(1000);
    }
    return failure(ErrorCode::kTimeout, "the world has no empty process");
  }

 private:
  static bool is_stub(HostPid pid) {
    const auto exe = read_link("/proc/" + std::to_string(pid.value) + "/exe").value_or("");
    return exe.find("llrun-stub") != std::string::npos;
  }
  static void put(const char* path, const std::string& text) {
    const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), text.data(), text.size()) < 0) ::_exit(90);
  }
  void run(pid_t guest_pid) const {
    const auto uid = std::to_string(::getuid());
    const auto gid = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) ::_exit(91);
    put("/proc/self/setgroups", "deny");
    put("/proc/self/uid_map", uid + " " + uid + " 1");
    put("/proc/self/gid_map", gid + " " + gid + " 1");
    if (::fork() == 0) run_init(guest_pid);
    for (;;) ::pause();
  }
  void run_init(pid_t guest_pid) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&guest_pid);
    arguments.set_tid_size = 1;
    const long made = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (made == 0) become_stub();
    for (;;) ::pause();
  }
  void become_stub() const {
    const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    ::syscall(SYS_capget, &header, sets.data());
    for (auto& set : sets) set.inheritable = set.permitted;
    ::syscall(SYS_capset, &header, sets.data());
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHECKPOINT_RESTORE, 0, 0);
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
    ::syscall(SYS_close_range, 0, static_cast<unsigned>(stub_.get() - 1), 0);
    ::syscall(SYS_close_range, static_cast<unsigned>(stub_.get() + 1), ~0U, 0);
    std::array<char*, 1> none{nullptr};
    ::fexecve(stub_.get(), none.data(), none.data());
    ::_exit(92);
  }

  Fd stub_;
  Child helper_;
};

}  // namespace llrun::tracer
