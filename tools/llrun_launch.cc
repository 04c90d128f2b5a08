#include "tools/llrun_launch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>

#include "base/claim.h"
#include "base/own_environment.h"
#include "base/tree_mark.h"
#include "tools/llrun_beginning.h"

namespace llrun::launcher {
namespace {

constexpr int kPidFd = 3;
constexpr int kVerboseFd = 4;
constexpr int kClaimFd = 5;
constexpr int kFirstFree = 6;
constexpr int kMaxWords = 28;

// Everything the children need, prepared before they exist: they share our memory or are copies of
// it.
struct Plan {
  const Job* job;
  const char* agent;
  char path[PATH_MAX + 32];
  char pid[16], after[24];
  const char* words[kMaxWords];
  char** program = nullptr;  // its words, in our own command line
  bool waits = false;        // for a program that ends at once, before there is a supervisor
  int supervisor = -1;       // its process id, or -1
  int other = -1;            // as in Started
};

void add(Plan& plan, const char* word) {
  int at = 0;
  while (plan.words[at] != nullptr) ++at;
  plan.words[at] = word;
}

void add(Plan& plan, const char* option, const char* value) {
  if (value == nullptr) return;
  add(plan, option);
  add(plan, value);
}

bool find_supervisor(Plan& plan) {
  const ssize_t length = ::readlink("/proc/self/exe", plan.path, PATH_MAX);
  if (length <= 0) return false;
  plan.path[length] = 0;
  char* name = std::strrchr(plan.path, '/') + 1;
  const auto room = static_cast<std::size_t>(plan.path + sizeof plan.path - name);
  return static_cast<std::size_t>(std::snprintf(name, room, "llrun-supervisor")) < room;
}

bool prepare(Plan& plan, const Options& options, const Job& job) {
  plan.job = &job;
  plan.agent = options.agent;
  // Who names a node, or wants to hear what happens, is not kept waiting.
  plan.program = options.program;
  plan.waits = job.launched && job.verbose_fd < 0 && options.node == nullptr;
  if (!find_supervisor(plan)) return false;
  std::snprintf(plan.pid, sizeof plan.pid, "%d", job.pid);
  std::snprintf(plan.after, sizeof plan.after, "%ld", options.after_ms);
  add(plan, "llrun-supervisor");
  add(plan, "home");
  add(plan, "--pid", plan.pid);
  add(plan, "--pidfd", "3");
  if (job.launched) add(plan, "--launched");
  add(plan, "--node", options.node);
  add(plan, "--after", options.after_ms < 0 ? nullptr : plan.after);
  add(plan, "--max-io", options.max_io);
  if (options.stay) add(plan, "--stay");
  add(plan, "--verbose-fd", job.verbose_fd < 0 ? nullptr : "4");
  if (options.json) add(plan, "--json");
  if (!job.launched && !options.verbose) add(plan, "--until-attached");
  return true;
}

// Dispositions and mask are the program's business; a supervisor starts with the defaults.
void reset_signals() {
  struct sigaction ordinary {};
  ordinary.sa_handler = SIG_DFL;
  for (int signal = 1; signal < _NSIG; ++signal) ::sigaction(signal, &ordinary, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Whoever looks for the program by its command line (pkill -f) does not mean its waiter.
void forget_words(char** words) {
  for (; words != nullptr && *words != nullptr; ++words)
    std::memset(*words, 0, std::strlen(*words));
}

// Also the program's own: a pipe end kept here would keep its reader waiting for an end of file.
void close_all_but(int one, int other) {
  const int low = one < other || other < 0 ? one : other;
  const int high = one < other || other < 0 ? other : one;
  if (low > 0) ::syscall(SYS_close_range, 0, low - 1, 0);
  if (high > low + 1) ::syscall(SYS_close_range, low + 1, high - 1, 0);
  ::syscall(SYS_close_range, (high < 0 ? low : high) + 1, ~0U, 0);
}

// Leaves pidfd at 3, the descriptor to talk to at 4, the claim at 5, nothing on 0, 1 and 2, and no
// other open.
void arrange_descriptors(int pidfd, int verbose_fd, int claim_fd) {
  const int given[] = {pidfd, verbose_fd, claim_fd};
  const int wanted[] = {kPidFd, kVerboseFd, kClaimFd};
  int moved[3];
  // All are moved out of the way first, so that none is overwritten by another.
  for (int i = 0; i < 3; ++i) moved[i] = given[i] < 0 ? -1 : ::fcntl(given[i], F_DUPFD, kFirstFree);
  for (int i = 0; i < 3; ++i)
    if (moved[i] >= 0)
      ::dup2(moved[i], wanted[i]);
    else
      ::close(wanted[i]);
  ::syscall(SYS_close_range, kFirstFree, ~0U, 0);
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
  if (null > 2) ::close(null);
}

void complain(const Plan& plan, int errno_value) {
  if (plan.job->verbose_fd >= 0)
    ::dprintf(kVerboseFd, "llrun: cannot start %s: %s; the program runs on here, unwatched\n",
              plan.path, std::strerror(errno_value));
  log_line("the supervisor could not be started; the program runs on here, unwatched",
           plan.job->pid, errno_value);
}

[[noreturn]] void become_supervisor(Plan& plan, int pidfd, int claim_fd) {
  ::setsid();
  if (plan.waits) {
    forget_words(plan.program);
    close_all_but(pidfd, claim_fd);
    const Life life = life_of(pidfd);
    if (life == Life::kEnded ||
        (life == Life::kGoesOn && ends_unwatched(pidfd, plan.job->pid, plan.agent)))
      ::_exit(0);
  }
  reset_signals();
  arrange_descriptors(pidfd, plan.job->verbose_fd, claim_fd);
  const bool watched = watch_beginning(plan.job->pid, plan.job->verbose_fd < 0 ? -1 : kVerboseFd);
  if (claim_fd >= 0) add(plan, "--claim-fd", "5");
  // Only the supervisor's environment: the program's is as it was.
  own_environment::reduce(environ);
  if (plan.agent != nullptr) ::setenv("LLRUN_NAME", plan.agent, 1);
  ::execv(plan.path, const_cast<char**>(plan.words));
  const int problem = errno;
  complain(plan, problem);
  const char told = 0;
  if (watched) std::ignore = ::write(STDERR_FILENO, &told, 1);
  ::_exit(kOwnFailure);
}

// The child in between, whose end makes the supervisor nobody's child here. It shares our memory,
// so what it leaves in the plan can be read afterwards; it has a stack and a descriptor table of
// its own. Raw system calls where the C library would keep accounts of processes: they would be
// ours.
int between(void* argument) {
  auto& plan = *static_cast<Plan*>(argument);
  // The process cannot end and its number be given away: it is suspended until this child has ended
  // (launched), or was looked at through the same number just before (attached; the supervisor
  // compares again).
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, plan.job->pid, 0));
  if (pidfd < 0) return 1;
  // Before there is a second process that could want it, and before the program runs.
  const claim::Claim claimed = claim::take(plan.job->pid);
  plan.other = claimed.holder;
  if (claimed.held()) return 0;
  const auto child = static_cast<int>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (child == 0) become_supervisor(plan, pidfd, claimed.fd);
  plan.supervisor = child;
  return 0;
}

}  // namespace

Started start_supervisor(const Options& options, const Job& job) {
  static Plan plan;
  if (!prepare(plan, options, job)) return {};
  alignas(16) static char stack[32 * 1024];
  // The one trace that stays: its 70 microseconds count among the CPU time of the program's
  // waited-for children. No exit signal: a SIGCHLD would stay pending through the exec where the
  // shell had it blocked, and where it is ignored the child could not be waited for.
  const int child = ::clone(between, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &plan);
  if (child < 0) return {};
  int status = 0;
  while (::waitpid(child, &status, __WCLONE) < 0 && errno == EINTR) {
  }
  if (plan.supervisor <= 0) return {false, plan.other};
  // Yama's scope 1 lets only ancestors trace. Elsewhere this is refused and not needed.
  if (job.launched) ::prctl(PR_SET_PTRACER, plan.supervisor, 0, 0, 0);
  if (job.launched)
    tree_mark::write(job.pid, tree_mark::kUnderLlrun | (options.stay ? tree_mark::kStays : 0));
  return {true, -1};
}

}  // namespace llrun::launcher
