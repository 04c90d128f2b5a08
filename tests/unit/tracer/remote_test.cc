// Injected calls: what they return, and that the thread is given back as found.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "tests/unit/tracer/child.h"
#include "tracer/filter/filter.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_fd.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {
namespace {

struct Stopped {
  explicit Stopped(HostPid pid, unsigned options = 0)
      : threads(ThreadSet::seize_all(pid, PTRACE_O_EXITKILL | options)) {
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

// A program may run in a segment of 32-bit code, where the site's address means another.
TEST(RemoteSyscalls, RunIn64BitCodeWhateverTheThreadRuns) {
  Child child([] { ::pause(); });
  Stopped stopped(child.pid());
  ASSERT_OK(stopped.threads);
  ASSERT_OK(stopped.stopped);
  const auto found = registers(stopped.thread());
  ASSERT_OK(found);
  constexpr std::uint64_t kCode32 = 0x23;  // __USER32_CS
  auto other = *found;
  other.cs = kCode32;
  ASSERT_OK(set_registers(stopped.thread(), other));
  auto site = find_syscall_site(child.pid());
  ASSERT_OK(site);
  {
    auto calls = RemoteSyscalls::borrow(child.pid(), stopped.thread(), *site);
    ASSERT_OK(calls);
    const auto pid = calls->call(SYS_getpid);
    ASSERT_OK(pid);
    EXPECT_EQ(static_cast<pid_t>(*pid), child.pid().value);
  }
  const auto after = registers(stopped.thread());
  ASSERT_OK(after);
  EXPECT_EQ(after->cs, kCode32);
  ASSERT_OK(set_registers(stopped.thread(), *found));
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

// Takes the filter of a guest whose stub is at `stub`, and waits.
void wait_as_guest(RemoteAddr stub) {
  FilterOptions options;
  options.stub = StubCode{stub.value, stub.value + StubPage::kSize};
  auto program = build_filter(options);
  if (!program) ::_exit(19);
  const sock_fprog filter{static_cast<unsigned short>(program->size()), program->data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter) <
      0)
    ::_exit(20);
  for (;;) ::pause();
}

// The stub's page of a program that lets it be, or that puts code of its own there.
class StubUnderFilter : public testing::Test {
 protected:
  StubUnderFilter() : page_(StubPage::known({kPlace})) {
    ::mmap(reinterpret_cast<void*>(kPlace), StubPage::kSize, PROT_READ | PROT_WRITE | PROT_EXEC,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    std::ranges::copy(stub_page(), reinterpret_cast<std::byte*>(kPlace));
  }
  ~StubUnderFilter() override { ::munmap(reinterpret_cast<void*>(kPlace), StubPage::kSize); }

  // mov $1,%esi before the call: PR_SET_KEEPCAPS 0 becomes PR_SET_KEEPCAPS 1.
  static void write_hostile_code() {
    constexpr unsigned char kCode[] = {0xbe, 1, 0, 0, 0, 0x0f, 0x05, 0xcc};
    std::memcpy(reinterpret_cast<void*>(kPlace + LLRUN_STUB_SYSCALL), kCode, sizeof kCode);
  }
  // Waits until it sleeps in pause(2): the filter is there.
  static std::unique_ptr<Stopped> stopped_in_pause(const Child& child) {
    std::string call;
    while (!call.starts_with(std::to_string(SYS_pause)))
      call =
          read_whole_file("/proc/" + std::to_string(child.pid().value) + "/syscall").value_or("");
    return std::make_unique<Stopped>(child.pid(), PTRACE_O_TRACESECCOMP);
  }

  static constexpr std::uint64_t kPlace = 0x5555'0000'0000;
  StubPage page_;
};

TEST_F(StubUnderFilter, WhatIsInjectedIsMade) {
  Child child([] { wait_as_guest({kPlace}); });
  const auto stopped = stopped_in_pause(child);
  ASSERT_OK(stopped->stopped);
  auto calls = RemoteSyscalls::borrow(child.pid(), stopped->thread(), page_.site());
  ASSERT_OK(calls);
  ASSERT_OK(calls->call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  std::array<StubCall, 2> batch{};
  batch[0] = {SYS_prctl, {PR_SET_KEEPCAPS, 1}, 0};
  batch[1] = {SYS_prctl, {PR_GET_KEEPCAPS}, 0};
  ASSERT_OK(calls->call_all(batch, page_.arena().start));
  EXPECT_EQ(batch[1].result, 1U);
  EXPECT_TRUE(calls->take_events().empty());
  ASSERT_OK(page_.check(child.pid()));
  ASSERT_OK(calls->finish());
}

TEST_F(StubUnderFilter, AnotherCallInItsPlaceIsNot) {
  write_hostile_code();
  Child child([] { wait_as_guest({kPlace}); });
  const auto stopped = stopped_in_pause(child);
  ASSERT_OK(stopped->stopped);
  const auto changed = page_.check(child.pid());
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kRefused);
  auto calls = RemoteSyscalls::borrow(child.pid(), stopped->thread(), page_.site());
  ASSERT_OK(calls);
  const auto injected = calls->call(SYS_prctl, PR_SET_KEEPCAPS, 0, 0, 0, 0);
  ASSERT_FALSE(injected);
  EXPECT_EQ(injected.error().code, ErrorCode::kUntrusted);
  ASSERT_OK(calls->finish());
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
