#include "filtered_child.h"

#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace llrun {
namespace {

constexpr int kPatienceMs = 60'000;

[[noreturn]] void run_child(std::vector<sock_filter> program, unsigned long flags, int tell,
                            const FilteredChild::Body& body) {
  const auto install = [&] {
    const int listener = install_filter(std::move(program), flags);
    if (listener < 0) ::_exit(200);
    if (::write(tell, &listener, sizeof(listener)) != sizeof(listener)) ::_exit(201);
    char taken = 0;
    if (::read(tell, &taken, 1) != 1) ::_exit(202);
  };
  ::_exit(body(install));
}

// Takes descriptor `number` out of process `pid`.
Fd take_descriptor(pid_t pid, int number) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
}

}  // namespace

int install_filter(std::vector<sock_filter> program, unsigned long flags) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
  const long listener = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                  SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &filter);
  return listener < 0 ? -errno : static_cast<int>(listener);
}

FilteredChild::FilteredChild(const ChildOptions& options, const Body& body) {
  auto program = build_filter(options.filter);
  auto line = make_socketpair(SOCK_STREAM);
  if (!program || !line) throw std::runtime_error("cannot prepare the child");
  pid_ = ::fork();
  if (pid_ == 0) {
    line->first.reset();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_child(std::move(*program), options.install_flags, line->second.get(), body);
  }
  line->second.reset();
  int number = -1;
  if (::read(line->first.get(), &number, sizeof(number)) != sizeof(number))
    throw std::runtime_error("the child could not install its filter");
  auto notifier = Notifier::create(take_descriptor(pid_, number));
  if (!notifier) throw std::runtime_error(notifier.error().message());
  notifier_ = std::move(*notifier);
  if (::write(line->first.get(), "t", 1) != 1) throw std::runtime_error("the child has gone");
}

FilteredChild::~FilteredChild() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, __WALL);
}

NotifiedCall FilteredChild::next_call() const {
  pollfd waiting{notifier_->fd(), POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) != 1 || (waiting.revents & POLLIN) == 0)
    throw std::runtime_error("no call was notified");
  auto call = notifier_->receive();
  if (!call) throw std::runtime_error(call.error().message());
  return *call;
}

int FilteredChild::exit_status() {
  int status = 0;
  if (::waitpid(pid_, &status, __WALL) != pid_) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace llrun
