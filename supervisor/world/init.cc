#include "supervisor/world/init.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "supervisor/world/calls.h"
#include "supervisor/world/capabilities.h"
#include "supervisor/world/kin_maker.h"
#include "supervisor/world/network.h"
#include "supervisor/world/terminal.h"

namespace llrun::world {
namespace {

// Children are reaped by the kernel; nobody asks init for their status.
void ignore_signals() {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &ignore, nullptr);
}

// Nothing of the supervisor's is to be kept open here, or its ends would never be seen.
Fd keep_only(Fd line) {
  constexpr int kPlace = 3;
  if (line.get() != kPlace) {
    ::dup3(line.get(), kPlace, O_CLOEXEC);
    line = Fd();
  }
  ::close_range(kPlace + 1, ~0U, 0);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < kPlace; ++fd) ::dup2(null, fd);
  ::close(null);
  return line.valid() ? std::move(line) : Fd(kPlace);
}

class Init {
 public:
  Init(const InitPlan& plan, int command) : plan_(plan), command_(command) {}

  Result<std::vector<Fd>> build() {
    if (::sethostname(plan_.host_name.data(), plan_.host_name.size()) != 0)
      return system_error("set the host name of a world");
    if (::setdomainname(plan_.domain_name.data(), plan_.domain_name.size()) != 0)
      return system_error("set the domain name of a world");
    LLRUN_TRY(set_up_network());
    LLRUN_TRY_ASSIGN(tree_, Tree::stage(plan_.tree));
    return plan_.options->mount_view(tree_.view_mountpoint());
  }

  // Until the supervisor's end of the line is closed.
  void serve() {
    for (;;) {
      auto request = receive_message<Request>(command_);
      if (!request) return;
      Fd answer;
      const auto done = perform(request->first, std::move(request->second), answer);
      if (!say(done, std::span(&answer, 1))) return;
    }
  }

  [[nodiscard]] bool say(const Result<>& done, std::span<const Fd> with) const {
    std::vector<int> fds;
    for (const Fd& fd : with)
      if (fd.valid()) fds.push_back(fd.get());
    return send_message(command_, reply_of(done), fds).has_value();
  }

 private:
  Result<> perform(const Request& request, std::vector<Fd> fds, Fd& answer) {
    switch (request.operation) {
      case Operation::kEnterView:
        return enter_view();
      case Operation::kOpenTerminal:
        return open_terminal(request.value, request.flag != 0, answer);
      case Operation::kSpawnGuest:
        if (fds.size() != 2) return failure(ErrorCode::kProtocol, "spawn a guest: two descriptors");
        return spawn_guest(fds[0], fds[1]);
      case Operation::kSetNextPid:
        return set_next_pid(request.value);
      case Operation::kEndParent:
        return end_parents_below(request.value);
    }
    return failure(ErrorCode::kProtocol, "an unknown request to a world");
  }

  Result<> enter_view() {
    LLRUN_TRY(tree_.enter());
    LLRUN_TRY(keep_only_capabilities(kept_capabilities()));
    if (plan_.kin.init_leads_session && ::setsid() < 0)
      return system_error("lead a session in a world");
    return {};
  }

  Result<> open_terminal(int number, bool controlling, Fd& master) {
    LLRUN_TRY_ASSIGN(auto terminal, open_numbered_terminal(tree_.pts_directory(), number));
    if (controlling && plan_.kin.init_leads_session && plan_.session == 1)
      LLRUN_TRY(take_terminal(terminal.slave.get()));
    // Kept open: a session loses its controlling terminal when the last descriptor of it closes.
    if (controlling) slave_ = std::move(terminal.slave);
    master = std::move(terminal.master);
    return {};
  }

  Result<> spawn_guest(const Fd& executable, const Fd& line) {
    return make_kin(plan_.kin, {executable.get(), line.get(), slave_.get(), plan_.session});
  }

  // The kernel gives out the number after the last one: kernel/pid_namespace.c pid_ns_ctl_handler.
  Result<> set_next_pid(int id) {
    const std::string last = std::to_string(id - 1);
    if (::pwrite(tree_.last_pid(), last.data(), last.size(), 0) !=
        static_cast<ssize_t>(last.size()))
      return system_error("set the next process id of a world");
    return {};
  }

  // Each leaves its children to the next reaper, the last one to this process. Who is no reaper
  // here cannot become the guest's parent: then this process does.
  Result<> end_parents_below(pid_t heir) {
    while (ended_parents_ < plan_.kin.parents.size()) {
      const pid_t parent = plan_.kin.parents[ended_parents_];
      if (parent == heir) return {};
      if (::kill(parent, SIGKILL) != 0 && errno != ESRCH)
        return system_error("end the placeholder of the guest's parent");
      ++ended_parents_;
    }
    return {};
  }

  const InitPlan& plan_;
  std::size_t ended_parents_ = 0;
  int command_;
  Tree tree_;
  Fd slave_;
};

}  // namespace

void run_init(const InitPlan& plan, Fd command) {
  ignore_signals();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "llrun-init");
  // Guests have the same user id: they must not read this node's secrets from the memory of its
  // init.
  ::prctl(PR_SET_DUMPABLE, 0);
  const Fd line = keep_only(std::move(command));
  Init init(plan, line.get());
  {
    auto devices = init.build();
    const Result<> built = devices ? Result<>() : std::unexpected(devices.error());
    const auto given = devices ? std::span<const Fd>(*devices) : std::span<const Fd>();
    if (!init.say(built, given) || !built) ::_exit(1);
  }
  init.serve();
  ::_exit(0);
}

}  // namespace llrun::world
