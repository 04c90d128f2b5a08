// A program that asks for the time without pause is found in the vdso again and again.
#include <gtest/gtest.h>
#include <poll.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tracer/objects/freeze.h"
#include "tracer/ptrace/thread_set.h"

namespace llrun::tracer {
namespace {

constexpr std::chrono::seconds kGenerous{60};
constexpr int kThreads = 8;

[[noreturn]] void ask_for_the_time(int end) {
  const auto ask = [] {
    timespec now{};
    for (;;)
      if (::clock_gettime(CLOCK_MONOTONIC, &now) != 0) ::_exit(17);
  };
  for (int i = 0; i < kThreads; ++i) std::thread(ask).detach();
  char byte = 0;
  ::_exit(::read(end, &byte, 1) == 0 ? 0 : 18);
}

Result<> freeze_and_release(HostPid pid, Freeze::Patience patience) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid));
  LLRUN_TRY_ASSIGN(auto freeze, Freeze::begin(std::move(threads), Freeze::Where::kHome, patience));
  return freeze.release();
}

TEST(BusyProgram, RunsOnWhenPatienceIsOver) {
  auto order = make_pipe();
  Child child([&] {
    order->second.reset();
    ask_for_the_time(order->first.get());
  });
  const auto deadline = std::chrono::steady_clock::now() + kGenerous;
  const auto try_until = [&](bool wanted, Freeze::Patience patience) {
    for (;;) {
      const auto frozen = freeze_and_release(child.pid(), patience);
      if (frozen.has_value() == wanted) return true;
      if (!frozen && frozen.error().code != ErrorCode::kTimeout) return false;
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
  };
  const Freeze::Patience none{std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
  EXPECT_TRUE(try_until(false, none));
  EXPECT_TRUE(try_until(true, {}));
  order->second.reset();
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace llrun::tracer
