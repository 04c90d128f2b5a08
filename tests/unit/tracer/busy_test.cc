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
  const Freeze::Patience none{std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
  const auto deadline = std::chrono::steady_clock::now() + kGenerous;
  for (bool put_off = false; !put_off;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    const auto frozen = freeze_and_release(child.pid(), none);
    put_off = !frozen;
    if (put_off) {
      EXPECT_EQ(frozen.error().code, ErrorCode::kTimeout) << frozen.error().message();
    }
  }
  ASSERT_OK(freeze_and_release(child.pid(), {}));
  order->second.reset();
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace llrun::tracer
