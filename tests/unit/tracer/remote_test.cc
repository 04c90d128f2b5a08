// Injected calls: what they return, and that the thread is given back as found.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <array>

#include "tests/unit/tracer/child.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_fd.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {
namespace {

struct Stopped {
  explicit Stopped(HostPid pid) : threads(ThreadSet::seize_all(pid, PTRACE_O_EXITKILL)) {
    if (threads) stopped = threads->stop_all();
  }
  [[nodiscard]] const StoppedThread& thread() const {
    return threads->stopped({threads->pid().value});
  }
  Result<ThreadSet> threads;
  Result<> stopped;
};

void read_answer_forever(int from, int to) {
  for (;;) {
    char byte = 0;
    const ssize_t count = ::read(from, &byte, 1);
    if (count != 1) ::_exit(17);  // a stray EINTR ends here
    byte = static_cast<char>(byte + 1);
    if (::write(to, &byte, 1) != 1) ::_exit(18);
  }
}

TEST(RemoteSyscalls, LeavesAnInterruptedReadAsItWas) {
  auto in = make_pipe();
  auto out = make_pipe();
  Child child([&] { read_answer_forever(in->first.get(), out->second.get()); });
  Stopped stopped(child.pid());
  ASSERT_OK(stopped.threads);
  ASSERT_OK(stopped.stopped);
  auto site = find_syscall_site(child.pid());
  ASSERT_OK(site);
  {
    auto calls = RemoteSyscalls::borrow(child.pid(), stopped.thread(), *site);
    ASSERT_OK(calls);
    auto pid = calls->call(SYS_getpid);
    ASSERT_OK(pid);
    EXPECT_EQ(static_cast<pid_t>(*pid), child.pid().value);
    auto wrong = calls->call(SYS_close, 12345);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().errno_value, EBADF);
    auto page = StubPage::map(*calls);
    ASSERT_OK(page);
    calls->use_site(page->site());
    pid = calls->call(SYS_getppid);
    ASSERT_OK(pid);
    EXPECT_EQ(static_cast<pid_t>(*pid), ::getpid());
    std::array<StubCall, 3> batch{};
    batch[0].number = SYS_getpid;
    batch[1] = {SYS_close, {12345}, 0};
    batch[2].number = SYS_getppid;
    ASSERT_OK(calls->call_all(batch, page->arena().start));
    EXPECT_EQ(batch[0].result, static_cast<std::uint64_t>(child.pid().value));
    EXPECT_EQ(batch[1].result, static_cast<std::uint64_t>(-EBADF));
    EXPECT_EQ(batch[2].result, static_cast<std::uint64_t>(::getpid()));
    auto sender = RemoteFdSender::open(*calls, RemoteArena(child.pid(), page->arena()));
    ASSERT_OK(sender);
    ASSERT_OK(sender->send_to(in->second.get(), RemoteFd{77}, false));
    ASSERT_OK(sender->close());
    EXPECT_EQ(*read_link("/proc/" + std::to_string(child.pid().value) + "/fd/77"),
              *read_link("/proc/self/fd/" + std::to_string(in->second.get())));
    calls->use_site(*site);
    ASSERT_OK(page->unmap(*calls));
    ASSERT_OK(calls->finish());
  }
  ASSERT_OK(stopped.threads->resume_all());
  const std::byte question{41};
  ASSERT_OK(write_all(in->second.get(), std::span(&question, 1)));
  std::byte answer{};
  ASSERT_OK(read_all(out->first.get(), std::span(&answer, 1)));
  EXPECT_EQ(answer, std::byte{42});
}

// Holds a SIGTRAP that is blocked and pending, as the traps behind calls are SIGTRAPs, too.
constexpr int kPayload = 42;

void hold_trap(int from, int to) {
  sigset_t traps;
  ::sigemptyset(&traps);
  ::sigaddset(&traps, SIGTRAP);
  ::sigprocmask(SIG_BLOCK, &traps, nullptr);
  siginfo_t info{};
  info.si_signo = SIGTRAP;
  info.si_code = SI_QUEUE;
  info.si_value.sival_int = kPayload;
  if (::syscall(SYS_rt_sigqueueinfo, ::getpid(), SIGTRAP, &info) != 0) ::_exit(19);
  char byte = 0;
  if (::write(to, &byte, 1) != 1 || ::read(from, &byte, 1) != 1) ::_exit(17);
  const timespec no_time{};
  int count = 0;
  for (siginfo_t got{}; ::sigtimedwait(&traps, &got, &no_time) == SIGTRAP; ++count)
    if (got.si_code != SI_QUEUE || got.si_value.sival_int != kPayload) ::_exit(20);
  struct sigaction action {};
  ::sigaction(SIGTRAP, nullptr, &action);
  byte = static_cast<char>(action.sa_handler == SIG_DFL ? count : 100 + count);
  if (::write(to, &byte, 1) != 1) ::_exit(18);
  ::pause();
}

void call_something(Stopped& stopped, SyscallSite site) {
  for (int round = 0; round < 2; ++round) {
    auto calls = RemoteSyscalls::borrow(stopped.threads->pid(), stopped.thread(), site);
    ASSERT_OK(calls);
    for (int count = 0; count < 3; ++count) ASSERT_OK(calls->call(SYS_getpid));
    ASSERT_OK(calls->finish());
  }
}

TEST(RemoteSyscalls, LeavesATrapThatIsBlockedPending) {
  auto in = make_pipe();
  auto out = make_pipe();
  Child child([&] { hold_trap(in->first.get(), out->second.get()); });
  std::byte byte{};
  ASSERT_OK(read_all(out->first.get(), std::span(&byte, 1)));
  Stopped stopped(child.pid());
  ASSERT_OK(stopped.threads);
  ASSERT_OK(stopped.stopped);
  const auto somewhere = find_syscall_site(child.pid());
  ASSERT_OK(somewhere);
  call_something(stopped, *somewhere);
  auto calls = RemoteSyscalls::borrow(child.pid(), stopped.thread(), *somewhere);
  ASSERT_OK(calls);
  const auto page = StubPage::map(*calls);
  ASSERT_OK(page);
  ASSERT_OK(calls->finish());
  call_something(stopped, page->site());
  call_something(stopped, page->returning_site());
  ASSERT_OK(stopped.threads->resume_all());
  ASSERT_OK(write_all(in->second.get(), std::span(&byte, 1)));
  ASSERT_OK(read_all(out->first.get(), std::span(&byte, 1)));
  EXPECT_EQ(static_cast<int>(byte), 1) << "it has been lost, or doubled, or its action is another";
}

TEST(RemoteSyscalls, EndsAThreadAndTellsHow) {
  Child child([] {
    for (;;) ::pause();
  });
  Stopped stopped(child.pid());
  ASSERT_OK(stopped.stopped);
  auto site = find_syscall_site(child.pid());
  ASSERT_OK(site);
  auto calls = RemoteSyscalls::borrow(child.pid(), stopped.thread(), *site);
  ASSERT_OK(calls);
  auto end = calls->call_to_end(SYS_exit_group, 9);
  ASSERT_OK(end);
  ASSERT_TRUE(end->is<Exited>());
  EXPECT_EQ(end->as<Exited>()->status, 9);
  child.forget();
}

// Whom the thread belongs to has to hear of it.
TEST(RemoteSyscalls, LeavesItsThreadsEndToBeMet) {
  Child child([] {
    for (;;) ::pause();
  });
  Stopped stopped(child.pid());
  ASSERT_OK(stopped.stopped);
  auto site = find_syscall_site(child.pid());
  ASSERT_OK(site);
  {
    auto calls = RemoteSyscalls::borrow(child.pid(), stopped.thread(), *site);
    ASSERT_OK(calls);
    ASSERT_EQ(::kill(child.pid().value, SIGKILL), 0);
    const auto made = calls->call(SYS_getpid);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kGone);
  }
  const auto end = wait_for_end(child.main_thread());
  ASSERT_OK(end);
  ASSERT_TRUE(end->is<Killed>());
  EXPECT_EQ(end->as<Killed>()->signal, SIGKILL);
  child.forget();
}

TEST(RemoteMemory, WritesWhatTheProgramMayNot) {
  static constexpr char kText[] = "a constant of the program";
  Child child([] {
    for (;;) ::pause();
  });
  Stopped stopped(child.pid());
  ASSERT_OK(stopped.stopped);
  const RemoteAddr at{reinterpret_cast<std::uint64_t>(&kText)};
  EXPECT_EQ(*read_string(child.pid(), at), kText);
  ASSERT_OK(write_memory(child.pid(), at, bytes_of(std::string_view("A"))));
  EXPECT_EQ(read_string(child.pid(), at)->substr(0, 3), "A c");
  std::array<std::byte, 1> byte{};
  EXPECT_FALSE(read_memory(child.pid(), RemoteAddr{16}, byte));
}

}  // namespace
}  // namespace llrun::tracer
