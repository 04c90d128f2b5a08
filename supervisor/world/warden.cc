#include "supervisor/world/warden.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "supervisor/world/calls.h"
#include "supervisor/world/clone.h"
#include "supervisor/world/refusal.h"

namespace llrun::world {
namespace {

constexpr gid_t kTerminalGroup = 5;  // "tty", by convention of every distribution

// Everybody may read /proc/1/cmdline, and a guest has no business with this node's. The arguments
// are where fields 48 and 49 of /proc/self/stat say (proc(5)), on a stack that is a copy by now.
void blank_arguments() {
  const auto text = read_whole_file("/proc/self/stat");
  if (!text) return;
  const auto after_name = text->rfind(')');
  if (after_name == std::string::npos) return;
  unsigned long start = 0, end = 0;
  std::size_t at = after_name;
  for (int field = 2; field < 48 && at != std::string::npos; ++field)
    at = text->find(' ', at + (field > 2 ? 1 : 0));
  if (at == std::string::npos) return;
  if (std::sscanf(text->c_str() + at, "%lu %lu", &start, &end) == 2 && start != 0 && end > start)
    std::memset(reinterpret_cast<void*>(start), 0, end - start);
}

// The session's keys of this node's user are not the guest's, which may make no call that concerns
// keys in any case: so a user with as many keyrings as he may have (EDQUOT), or a kernel without
// keys, is no reason to host nobody. keyctl(2).
void take_session_keyring() {
  constexpr int kJoinSessionKeyring = 1;  // KEYCTL_JOIN_SESSION_KEYRING; null: a new one, unnamed
  ::syscall(SYS_keyctl, kJoinSessionKeyring, nullptr);
}

// Signals that wait and timers are counted for the user, and the limit of whoever makes a user
// namespace is that of all in it, whatever limits of their own they set (kernel/user_namespace.c,
// create_user_ns): a guest gets no more than leaves this node's user the larger part.
class LessRoomForSignals {
 public:
  LessRoomForSignals() {
    rlimit less{};
    if (::getrlimit(RLIMIT_SIGPENDING, &own_) != 0) return;
    less = {own_.rlim_cur / 4, own_.rlim_max};
    lowered_ = ::setrlimit(RLIMIT_SIGPENDING, &less) == 0;
  }
  ~LessRoomForSignals() {
    if (lowered_) ::setrlimit(RLIMIT_SIGPENDING, &own_);
  }
  LessRoomForSignals(const LessRoomForSignals&) = delete;
  LessRoomForSignals& operator=(const LessRoomForSignals&) = delete;

 private:
  rlimit own_{};
  bool lowered_ = false;
};

Result<> enter_user_namespace() {
  // The owner of /proc/PID/uid_map is the user only while the process is dumpable.
  ::prctl(PR_SET_DUMPABLE, 1);
  const LessRoomForSignals less;
  if (::unshare(CLONE_NEWUSER) != 0) return std::unexpected(user_namespace_refusal(errno));
  return {};
}

// Groups that the world does not know cannot be taken along.
Result<> take_groups(std::vector<gid_t> groups) {
  if (::setgroups(groups.size(), groups.data()) == 0) return {};
  std::erase_if(groups, [](gid_t group) { return group > 65535; });
  if (::setgroups(groups.size(), groups.data()) != 0) return system_error("set a guest's groups");
  return {};
}

Result<Fd> start_init(InitPlan& plan, Fd& command) {
  CloneRequest request;
  int pidfd = -1;
  request.pidfd = &pidfd;
  request.flags =
      CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  const pid_t pid = clone_process(request);
  if (pid < 0) return system_error("make the namespaces of a world");
  if (pid == 0) run_init(plan, std::move(command));
  command.reset();
  return Fd(pidfd);
}

Result<Fd> build(const WardenPlan& plan, InitPlan& init, int line, Fd& command) {
  LLRUN_TRY(enter_user_namespace());
  LLRUN_TRY(send_message(line, reply_of({})));
  LLRUN_TRY_ASSIGN(const auto maps, receive_message<MapsWritten>(line));
  init.tree.root_mapped = maps.first.all_users != 0 && maps.first.all_groups != 0;
  init.tree.terminals_mapped = maps.first.all_groups != 0;
  if (maps.first.all_groups != 0) LLRUN_TRY(take_groups(plan.groups));
  LLRUN_TRY(enter_time_namespace(plan.clocks));
  if (plan.nice > 0 && ::setpriority(PRIO_PROCESS, 0, plan.nice) != 0)
    return system_error("lower a world's priority");
  return start_init(init, command);
}

// Either end has gone: so does the other.
[[noreturn]] void watch(int line, int init) {
  std::array<pollfd, 2> ends{{{line, POLLIN, 0}, {init, POLLIN, 0}}};
  while (::poll(ends.data(), ends.size(), -1) < 0 && errno == EINTR) {
  }
  ::syscall(SYS_pidfd_send_signal, init, SIGKILL, nullptr, 0);
  siginfo_t how{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(init), &how, WEXITED);
  ::_exit(0);
}

// Only the two lines stay open: what the supervisor has open, its own stdin and stdout among it,
// must not be held by somebody else.
void close_others(Fd& line, Fd& command) {
  constexpr int kLine = 3, kCommand = 4;
  line = Fd(::fcntl(line.get(), F_DUPFD_CLOEXEC, kCommand + 1));
  command = Fd(::fcntl(command.get(), F_DUPFD_CLOEXEC, kCommand + 1));
  ::dup3(line.release(), kLine, O_CLOEXEC);
  ::dup3(command.release(), kCommand, O_CLOEXEC);
  ::close_range(kCommand + 1, ~0U, 0);
  line = Fd(kLine);
  command = Fd(kCommand);
  ::close_range(0, 2, 0);
  for (int fd = 0; fd <= 2; ++fd) ::open("/dev/null", O_RDWR);
}

}  // namespace

void run_warden(const WardenPlan& plan, InitPlan init, Fd line, Fd command) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::setsid();  // so that the world has nothing of the supervisor's terminal and session
  ::prctl(PR_SET_NAME, "llrun-warden");
  take_session_keyring();
  blank_arguments();
  close_others(line, command);
  auto started = build(plan, init, line.get(), command);
  const Result<> result = started ? Result<>() : std::unexpected(started.error());
  std::vector<int> fds;
  if (started) fds.push_back(started->get());
  const bool told = send_message(line.get(), reply_of(result), fds).has_value();
  if (!started) ::_exit(1);
  if (!told) line.reset();
  watch(line.get(), started->get());
}

}  // namespace llrun::world
