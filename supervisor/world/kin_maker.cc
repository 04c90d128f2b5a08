#include "supervisor/world/kin_maker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/bytes.h"
#include "base/fd.h"
#include "supervisor/world/calls.h"
#include "supervisor/world/capabilities.h"
#include "supervisor/world/clone.h"
#include "supervisor/world/terminal.h"

namespace llrun::world {
namespace {

// The signal state of a process that has just been started: the restored one is put in its place
// later.
void reset_signals() {
  struct sigaction ignored {};
  ignored.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &ignored, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// No descriptor but the executable, which the exec closes.
[[noreturn]] void execute(int executable) {
  constexpr int kPlace = 3;
  if (executable != kPlace) ::dup3(executable, kPlace, O_CLOEXEC);
  ::close_range(0, kPlace - 1, 0);
  ::close_range(kPlace + 1, ~0U, 0);
  char name[] = "llrun";
  std::array<char*, 2> arguments{name, nullptr};
  std::array<char*, 1> environment{nullptr};
  ::syscall(SYS_execveat, kPlace, "", arguments.data(), environment.data(), AT_EMPTY_PATH);
  ::_exit(127);
}

[[noreturn]] void wait_to_be_ended() {
  ::close_range(0, ~0U, 0);
  for (;;) ::pause();  // every signal is blocked
}

class KinMaker {
 public:
  KinMaker(const KinPlan& plan, const GuestLaunch& launch) : plan_(plan), launch_(launch) {}

  Result<> make_those_of(int maker) {
    for (std::size_t i = 0; i < plan_.members.size(); ++i)
      if (plan_.members[i].maker == maker) LLRUN_TRY(make(static_cast<int>(i)));
    return {};
  }

 private:
  const Member& member(int index) const { return plan_.members[static_cast<std::size_t>(index)]; }
  bool is_guest(int index) const {
    return static_cast<std::size_t>(index) + 1 == plan_.members.size();
  }

  Result<> make(int index) {
    LLRUN_TRY_ASSIGN(auto report, make_pipe());
    CloneRequest request;
    request.pid = member(index).pid;
    request.sibling = member(index).sibling;
    const pid_t pid = clone_process(request);
    if (pid < 0) return no_such_id(request.pid);
    if (pid == 0) live(index, std::move(report.second));
    report.second.reset();
    Reply reply;
    LLRUN_TRY(read_all(report.first.get(), std::as_writable_bytes(std::span(&reply, 1))));
    return result_of(reply);
  }

  static std::unexpected<Error> no_such_id(pid_t pid) {
    const int problem = errno;
    if (problem == EINVAL)
      return failure(ErrorCode::kUnsupported, "make process " + std::to_string(pid) +
                                                  " in a world: this node's pid_max is lower");
    return system_error("make process " + std::to_string(pid) + " in a world", problem);
  }

  [[noreturn]] void live(int index, Fd report) {
    auto done = take_place(index);
    if (done) done = make_those_of(index);
    if (done && is_guest(index)) done = prepare_guest();
    const Reply reply = reply_of(done);
    if (!write_all(report.get(), bytes_of(reply)) || !done) ::_exit(1);
    report.reset();
    if (is_guest(index)) wait_for_release();
    wait_to_be_ended();
  }

  Result<> take_place(int index) {
    const auto& self = member(index);
    if (self.reaper && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
      return system_error("take in the orphans of a world");
    if (self.leads_session) {
      if (::setsid() < 0) return system_error("lead a session in a world");
      if (launch_.terminal >= 0 && self.pid == launch_.terminal_session)
        return take_terminal(launch_.terminal);
      return {};
    }
    if (self.group != 0 && ::setpgid(0, self.group == self.pid ? 0 : self.group) != 0)
      return system_error("join the process group " + std::to_string(self.group) + " in a world");
    return {};
  }

  Result<> prepare_guest() {
    if (launch_.terminal >= 0) LLRUN_TRY(take_foreground(launch_.terminal));
    // Init is not dumpable and its copies are not; this one must be open to the supervisor's
    // ptrace.
    if (::prctl(PR_SET_DUMPABLE, 1) != 0) return system_error("make a guest traceable");
    LLRUN_TRY(raise_ambient_capabilities(kept_capabilities()));
    const char here = 'r';  // the kernel adds this process's id, as the supervisor knows it
    return write_all(launch_.line, bytes_of(here));
  }

  [[noreturn]] void wait_for_release() const {
    std::array<std::byte, 1> word{};
    if (!read_all(launch_.line, word)) ::_exit(0);  // the supervisor has given up
    reset_signals();
    execute(launch_.executable);
  }

  const KinPlan& plan_;
  GuestLaunch launch_;
};

}  // namespace

Result<> make_kin(const KinPlan& plan, const GuestLaunch& launch) {
  return KinMaker(plan, launch).make_those_of(kInit);
}

}  // namespace llrun::world
