#include "supervisor/home/waking.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace llrun {
namespace {

using std::chrono::seconds;

// Computes as long as it is told to by its input, and sleeps in reading it otherwise.
class Program {
 public:
  Program() {
    std::array<int, 2> begun{};
    EXPECT_EQ(::pipe2(words_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(begun.data(), O_CLOEXEC), 0);
    pid_ = ::fork();
    char word = 0;
    if (pid_ != 0) {  // to begin takes a moment, too
      EXPECT_EQ(::read(begun[0], &word, 1), 1);
      for (const int end : begun) ::close(end);
      return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::write(begun[1], &word, 1) != 1) ::_exit(1);
    while (::read(words_[0], &word, 1) == 1)
      for (unsigned long i = 0; word == 'r' && i < 2'000'000'000UL; ++i) asm volatile("");
    ::_exit(0);
  }
  ~Program() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    for (const int end : words_) ::close(end);
  }
  [[nodiscard]] HostPid pid() const { return {pid_}; }
  void runs() const { EXPECT_EQ(::write(words_[1], "r", 1), 1); }
  // As often as a shell that is given a command.
  void wakes() const { EXPECT_EQ(::write(words_[1], "w", 1), 1); }

 private:
  std::array<int, 2> words_{};
  pid_t pid_ = 0;
};

class WakingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto loop = EventLoop::create();
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
    auto waking = Waking::create(*loop_, program_.pid(), [this] {
      ++woken_;
      loop_->stop();
    });
    ASSERT_TRUE(waking) << waking.error().message();
    waking_ = std::move(*waking);
  }
  void run_for(EventLoop::Clock::duration limit) {
    const auto timer = loop_->after(limit, [this] { loop_->stop(); });
    loop_->run();
    loop_->cancel(timer);
  }
  Program program_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Waking> waking_;
  int woken_ = 0;
};

TEST_F(WakingTest, ASleeperTellsNothing) {
  waking_->arm();
  program_.wakes();
  run_for(std::chrono::milliseconds(300));
  EXPECT_EQ(woken_, 0);
}

TEST_F(WakingTest, WhoComputesIsToldOfOnce) {
  waking_->arm();
  program_.runs();
  run_for(seconds(60));
  EXPECT_EQ(woken_, 1);
  run_for(std::chrono::milliseconds(300));
  EXPECT_EQ(woken_, 1);
  waking_->arm();
  run_for(seconds(60));
  EXPECT_EQ(woken_, 2);
}

TEST_F(WakingTest, WhatIsDisarmedTellsNothing) {
  waking_->arm();
  waking_->disarm();
  program_.runs();
  run_for(std::chrono::milliseconds(300));
  EXPECT_EQ(woken_, 0);
}

TEST_F(WakingTest, OneThatHasEndedIsNoTrouble) {
  ::kill(program_.pid().value, SIGKILL);
  siginfo_t end{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(program_.pid().value), &end, WEXITED | WNOWAIT), 0);
  waking_->arm();
  waking_->disarm();
}

}  // namespace
}  // namespace llrun
