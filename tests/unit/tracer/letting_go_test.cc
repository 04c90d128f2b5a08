// Whoever has attached lets go, whichever way his work has ended.
#include "tracer/ptrace/letting_go.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <tuple>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tracer/procfs/directory.h"
#include "tracer/ptrace/task_states.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {
namespace {

constexpr std::chrono::seconds kGenerous{60};

bool until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kGenerous;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    ::usleep(500);
  }
  return false;
}

// A thread may end between the list and the look at it.
bool nobody_is_attached(HostPid pid) {
  return std::ranges::none_of(threads_of(pid), [](HostTid tid) {
    const auto status = read_whole_file("/proc/" + std::to_string(tid.value) + "/status");
    return status && status->find("TracerPid:\t0\n") == std::string::npos;
  });
}

bool is_in_call(HostTid tid, long number) {
  const auto call = read_whole_file("/proc/" + std::to_string(tid.value) + "/syscall");
  return call && call->starts_with(std::to_string(number) + " ");
}

void wait_for_end_of(const Fd& pipe) {
  char byte = 0;
  std::ignore = ::read(pipe.get(), &byte, 1);
}

// Another tracer has one of its threads.
TEST(LettingGo, OfThoseThatWereSeizedWhereOneCannotBe) {
  Child program([] {
    for (int i = 0; i < 2; ++i) std::thread([] { ::pause(); }).detach();
    ::pause();
  });
  ASSERT_TRUE(until([&] { return threads_of(program.pid()).size() == 3; }));
  const HostTid theirs = threads_of(program.pid()).back();
  auto ready = make_pipe();
  {
    Child debugger([&] {
      if (!seize(theirs, 0)) ::_exit(1);
      const char byte = 'r';
      std::ignore = ::write(ready->second.get(), &byte, 1);
      ::pause();
    });
    char byte = 0;
    ASSERT_EQ(::read(ready->first.get(), &byte, 1), 1);
    EXPECT_FALSE(ThreadSet::seize_all(program.pid()));
  }
  EXPECT_TRUE(until([&] { return nobody_is_attached(program.pid()); }));
  ASSERT_EQ(::kill(program.pid().value, SIGTERM), 0);
  EXPECT_EQ(program.wait(), SIGTERM);
}

// It cannot be stopped until its child is done (kernel/fork.c, wait_for_vfork_done).
TEST(LettingGo, OfAParentInVforkComesWhenItCanBeStopped) {
  auto birth = make_pipe();
  auto life = make_pipe();
  Child program([&] {
    birth->second.reset();
    life->second.reset();
    if (::vfork() == 0) {
      wait_for_end_of(birth->first);
      ::_exit(0);
    }
    wait_for_end_of(life->first);
    ::_exit(7);
  });
  ASSERT_TRUE(until([&] { return is_in_call(program.main_thread(), SYS_vfork); }));
  {
    auto threads = ThreadSet::seize_all(program.pid());
    ASSERT_OK(threads);
    const auto stopped = threads->stop_all(std::chrono::milliseconds(50));
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::kTimeout);
  }
  EXPECT_EQ(let_go_stragglers(), 1U);
  birth->second.reset();
  EXPECT_TRUE(until([] { return let_go_stragglers() == 0; }));
  EXPECT_TRUE(nobody_is_attached(program.pid()));
  life->second.reset();
  EXPECT_EQ(program.wait(), 7 << 8);
}

TEST(LettingGo, IsNotNoticed) {
  constexpr int kTimes = 20;
  Child program([] {
    const Fd poll(::epoll_create1(0));
    epoll_event event{};
    std::ignore = ::epoll_wait(poll.get(), &event, 1, -1);
    ::_exit(17);
  });
  ASSERT_TRUE(until([&] { return is_in_call(program.main_thread(), SYS_epoll_wait); }));
  for (int i = 0; i < kTimes; ++i) {
    auto threads = ThreadSet::seize_all(program.pid());
    ASSERT_OK(threads);
    if (i % 2 == 0) {
      ASSERT_OK(threads->stop_all());
    }
  }
  EXPECT_TRUE(nobody_is_attached(program.pid()));
  EXPECT_TRUE(until([&] { return is_in_call(program.main_thread(), SYS_epoll_wait); }));
  ASSERT_EQ(::kill(program.pid().value, SIGTERM), 0);
  EXPECT_EQ(program.wait(), SIGTERM);
}

// Nothing tells of its end before each thread has been waited for.
TEST(ThreadSet, ReapsWhatHasEndedWhileItWasStopped) {
  Child program([] {
    for (int i = 0; i < 2; ++i) std::thread([] { ::pause(); }).detach();
    ::pause();
  });
  ASSERT_TRUE(until([&] { return threads_of(program.pid()).size() == 3; }));
  auto threads = ThreadSet::seize_all(program.pid());
  ASSERT_OK(threads);
  ASSERT_OK(threads->stop_all());
  const HostTid last = threads->tids().back();
  ASSERT_EQ(::kill(program.pid().value, SIGKILL), 0);
  EXPECT_TRUE(until([&] {
    threads->reap();
    return threads->tids().empty();
  }));
  EXPECT_EQ(registers(threads->stopped(last)).error().code, ErrorCode::kGone);
  EXPECT_EQ(threads->take_met().back().tid, program.main_thread());
  program.forget();
}

// Which cannot be stopped before its child execs or ends: the rest is not kept waiting for that,
// however long may be waited for stops.
TEST(ThreadSet, GivesUpSoonOnAParentInVfork) {
  constexpr std::chrono::hours kForever{24};
  Child program([] {
    std::thread([] {
      if (::vfork() == 0)
        for (;;) ::pause();
    }).detach();
    ::pause();
  });
  const auto waits = [&] {
    return std::ranges::any_of(threads_of(program.pid()), cannot_be_interrupted);
  };
  ASSERT_TRUE(until(waits));
  auto threads = ThreadSet::seize_all(program.pid());
  ASSERT_OK(threads);
  const auto stopped = threads->stop_all(kForever);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kTimeout);
  const auto children = list_children(program.pid());
  ASSERT_OK(children);
  for (const HostPid child : *children) ::kill(child.value, SIGKILL);
  std::ignore = threads->detach_all();
  EXPECT_TRUE(until([&] {
    let_go_stragglers();
    return nobody_is_attached(program.pid());
  }));
}

}  // namespace
}  // namespace llrun::tracer
