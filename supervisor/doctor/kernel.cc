#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>

#include "base/fd.h"
#include "supervisor/doctor/node.h"
#include "supervisor/traits/traits.h"
#include "supervisor/world/refusal.h"

// Newer than the headers of Debian 12.
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

namespace llrun::doctor {
namespace {

constexpr KernelVersion kHosting{5, 14};

// What `work` returns as an exit status, done in a child that nothing here can be harmed by. -1: it
// was killed, as a strict seccomp filter does.
int in_child(const std::function<int()>& work) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(work());
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

int errno_of(bool done) { return done ? 0 : errno; }

std::string words_of(int problem) {
  return problem < 0 ? "the process that tried was killed" : std::strerror(problem);
}

std::string setting(const char* path) {
  auto text = read_whole_file(path).value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string release() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "";
}

Finding tracing(Abilities& abilities) {
  // A child of ours sleeps and is seized, as a supervisor seizes a program.
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const int problem = errno_of(::ptrace(PTRACE_SEIZE, child, nullptr, nullptr) == 0);
  ::kill(child, SIGKILL);
  // A signal of the terminal's may have stopped it before: that is told first.
  int status = 0;
  while (::waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)) continue;
  abilities.traces = problem == 0;
  if (problem == 0) return ok("ptrace", "works");
  return missing("ptrace", "refused: " + words_of(problem), "no program can be moved or hosted",
                 "in a container: docker run --cap-add SYS_PTRACE, or --security-opt "
                 "seccomp=unconfined");
}

Finding memory_reading() {
  char there = 'x', here = 0;
  iovec to{&here, 1}, from{&there, 1};
  const int problem = errno_of(::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) == 1);
  if (problem == 0) return ok("process_vm_readv", "works");
  return missing("process_vm_readv", "refused: " + words_of(problem), "no memory can be sent",
                 "in a container: docker run --cap-add SYS_PTRACE, or --security-opt "
                 "seccomp=unconfined");
}

Finding descriptors_taken() {
  const int problem = in_child([] {
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    if (pidfd < 0) return errno;
    return errno_of(::syscall(SYS_pidfd_getfd, pidfd, pidfd, 0) >= 0);
  });
  if (problem == 0) return ok("pidfd_getfd", "works");
  return missing("pidfd_getfd", "refused: " + words_of(problem), "no program can be moved",
                 "a kernel of 5.6 or later; in a container: docker run --cap-add SYS_PTRACE");
}

Finding user_namespaces(Abilities& abilities) {
  const int problem = in_child([] { return errno_of(::unshare(CLONE_NEWUSER) == 0); });
  abilities.makes_user_namespaces = problem == 0;
  if (problem == 0) return ok("user namespaces", "may be made");
  const auto refusal = world::user_namespace_refusal(std::max(problem, 0));
  return missing("user namespaces", "refused: " + words_of(problem), "hosting guests",
                 refusal.attempted);
}

Finding fuse(Abilities& abilities) {
  const Fd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  const int problem = errno_of(device.valid());
  abilities.opens_fuse = problem == 0;
  if (problem == 0) return ok("/dev/fuse", "may be opened");
  return missing("/dev/fuse", words_of(problem), "hosting guests: they see home's files through it",
                 problem == EACCES ? "chmod 0666 /dev/fuse (the package fuse3 sets it so)"
                                   : "modprobe fuse; in a container: --device /dev/fuse");
}

Finding wake_up() {
  const int answer = in_child([] {
    sock_filter allow{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    sock_fprog program{1, &allow};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 2;
    const long listener =
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) return 2;
    return ::ioctl(static_cast<int>(listener), SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL) == 0 ? 0 : 1;
  });
  if (answer == 0) return ok("seccomp wake-up", "synchronous");
  if (answer == 1)
    return note("seccomp wake-up", "not synchronous", "calls that go home take some 30 us more",
                "a kernel of 6.6 or later");
  return missing("seccomp notification", "no filter with a listener may be installed",
                 "hosting guests",
                 "a kernel with CONFIG_SECCOMP_FILTER; in a container: "
                 "--security-opt seccomp=unconfined");
}

// Of write tracking by userfaultfd and PAGEMAP_SCAN (linux/fs.h).
Finding write_tracking() {
  constexpr std::uint64_t kWpAsync = 1U << 15;  // UFFD_FEATURE_WP_ASYNC, 6.7
  struct ScanArgument {
    std::uint64_t words[12];
  };
  const auto kScan = _IOWR('f', 16, ScanArgument);
  const std::string lost = "a program stands still while its memory is sent";
  const Fd uffd(
      static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)));
  if (!uffd.valid())
    return note("write tracking", "userfaultfd: " + words_of(errno), lost,
                errno == ENOSYS ? "a kernel of 6.7 or later with CONFIG_USERFAULTFD"
                                : "in a container: --security-opt seccomp=unconfined");
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = kWpAsync;
  const bool has_async = ::ioctl(uffd.get(), UFFDIO_API, &api) == 0;
  const auto pagemap = open_file("/proc/self/pagemap", O_RDONLY);
  ScanArgument scan{};
  scan.words[0] = sizeof scan;
  const bool has_scan = pagemap && (::ioctl(pagemap->get(), kScan, &scan) >= 0 || errno != ENOTTY);
  if (has_async && has_scan) return ok("write tracking", "userfaultfd and PAGEMAP_SCAN");
  return note("write tracking",
              fmt::format("{}", has_async ? "no PAGEMAP_SCAN" : "no asynchronous write protection"),
              lost, "a kernel of 6.7 or later");
}

Finding whole_world(Abilities& abilities) {
  protocol::NodeTraits traits;
  probe_hosting(traits);
  abilities.makes_worlds = traits.hosts_guests();
  abilities.why_no_world = traits.hosts_guests_why_not();
  if (traits.hosts_guests()) return ok("world", "one was made and ended");
  return missing("world", traits.hosts_guests_why_not(), "hosting guests",
                 "the reason names the setting");
}

Finding vdso() {
  if (!local_traits().vdso().empty()) return ok("vdso", "is there");
  return missing("vdso", "the kernel gives programs none that could be compared",
                 "moving from and to this node", "boot without vdso=0");
}

}  // namespace

Finding judge_release(const std::string& release) {
  const auto version = parse_release(release);
  if (version >= kHosting) return ok("kernel", release);
  return missing("kernel", release, "hosting guests", "Linux 5.14 or later");
}

Finding judge_yama(const std::string& scope) {
  const std::string about = "Yama";
  if (scope.empty() || scope == "0") return ok(about, scope.empty() ? "not there" : "scope 0");
  if (scope == "1")
    return note(about, "scope 1", "llrun -p cannot attach to programs that llrun did not start",
                "sysctl kernel.yama.ptrace_scope=0");
  return missing(about, "scope " + scope, "no program can be moved or hosted",
                 scope == "3"
                     ? "kernel.yama.ptrace_scope below 3 at boot: it cannot be lowered later"
                     : "sysctl kernel.yama.ptrace_scope=1");
}

Finding judge_seccomp(const std::string& actions) {
  for (const auto* wanted : {"user_notif", "trace"})
    if ((" " + actions + " ").find(std::string(" ") + wanted + " ") == std::string::npos)
      return missing("seccomp", std::string("no action ") + wanted, "hosting guests",
                     "a kernel with CONFIG_SECCOMP_FILTER, 5.0 or later");
  return ok("seccomp", "user_notif, trace");
}

std::vector<Finding> examine_kernel(Abilities& abilities) {
  abilities.new_enough = parse_release(release()) >= kHosting;
  return {judge_release(release()),
          tracing(abilities),
          judge_yama(setting("/proc/sys/kernel/yama/ptrace_scope")),
          memory_reading(),
          descriptors_taken(),
          vdso(),
          write_tracking(),
          judge_seccomp(setting("/proc/sys/kernel/seccomp/actions_avail")),
          wake_up(),
          user_namespaces(abilities),
          fuse(abilities),
          whole_world(abilities)};
}

}  // namespace llrun::doctor
