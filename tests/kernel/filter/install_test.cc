// One thread installs the filter for all threads of its process.
#include <gtest/gtest.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <latch>
#include <semaphore>
#include <set>
#include <thread>
#include <vector>

#include "filtered_child.h"

namespace llrun {
namespace {

using Install = FilteredChild::Install;
constexpr int kThreads = 4;
constexpr unsigned long kForAll = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;

// TSYNC alone would return a thread id where NEW_LISTENER returns a descriptor; TSYNC_ESRCH (5.7)
// allows both.
TEST(Installation, OneThreadInstallsForAll) {
  FilteredChild child({.filter = {}, .install_flags = kForAll}, [](const Install& install) {
    std::counting_semaphore<kThreads> go(0);
    std::atomic<int> sum = 0;
    std::latch begun(kThreads);  // what a runtime calls to begin a thread is not for the filter
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        begun.count_down();
        go.acquire();
        sum += static_cast<int>(::syscall(SYS_setsid));
      });
    begun.wait();
    install();
    go.release(kThreads);
    threads.clear();
    return sum.load();
  });
  std::set<pid_t> callers;
  for (int i = 0; i < 2 * kThreads; ++i) {
    const auto call = child.next_call();
    if (call.number == SYS_exit) {  // of each, as it may be that of the first thread
      ASSERT_TRUE(child.notifier().answer_continue(call.id));
    } else {
      ASSERT_TRUE(child.notifier().answer(call.id, 1 << callers.size()));
      callers.insert(call.thread.value);
    }
  }
  EXPECT_EQ(callers.size(), static_cast<std::size_t>(kThreads));
  EXPECT_FALSE(callers.contains(child.pid()));
  EXPECT_EQ(child.exit_status(), (1 << kThreads) - 1);
}

// A second listener is refused, so whatever is to be notified must be in the one filter.
TEST(Installation, ASecondListenerIsBusy) {
  const auto program = build_filter({});
  ASSERT_TRUE(program);
  ChildOptions options;
  FilteredChild child(options, [&](const Install& install) {
    install();
    return -install_filter(*program, 0);
  });
  while (true) {  // prctl and seccomp themselves are notified
    const auto call = child.next_call();
    ASSERT_TRUE(child.notifier().answer_continue(call.id));
    if (call.number == SYS_seccomp) break;
  }
  EXPECT_EQ(child.exit_status(), EBUSY);
}

// A thread with a filter of its own cannot be brought along: the program is told ESRCH, nothing is
// installed.
TEST(Installation, AThreadWithItsOwnFilterIsRefused) {
  const auto program = build_filter({});
  ASSERT_TRUE(program);
  std::binary_semaphore diverged(0);
  std::binary_semaphore done(0);
  int refusal = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    std::thread other([&] {
      sock_filter allow{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
      const int own = install_filter({allow}, 0);
      if (own < 0) ::_exit(100);
      diverged.release();
      done.acquire();
    });
    diverged.acquire();
    refusal = -install_filter(*program, kForAll);
    done.release();
    other.join();
    ::_exit(refusal);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), ESRCH);
}

}  // namespace
}  // namespace llrun
