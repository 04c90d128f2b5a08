// A shadow's life under its keeper: threads come and go, calls of the guest are made in it, signals
// are handed on, and it ends as the guest ends.
#include "supervisor/shadow/keeper.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <variant>

#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/self_checking.h"
#include "tracer/objects/process.h"
#include "tracer/objects/shadow.h"
#include "tracer/procfs/directory.h"
#include "tracer/procfs/stat.h"
#include "tracer/procfs/switches.h"

namespace llrun {
namespace {

constexpr std::chrono::seconds kGenerous{60};

class Kept : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(program_.read_line(), "ready");
    auto threads = tracer::ThreadSet::seize_all(program_.pid(), PTRACE_O_EXITKILL);
    ASSERT_OK(threads);
    auto freeze = tracer::Freeze::begin(std::move(*threads));
    ASSERT_OK(freeze);
    auto capture = tracer::capture_process(*freeze);
    ASSERT_OK(capture);
    ASSERT_OK(freeze->thread_set().bind_to_us());
    auto shadow = tracer::Shadow::make(std::move(*freeze), capture->process);
    ASSERT_OK(shadow);
    ASSERT_OK(shadow->drop_memory());
    keeper_ = std::make_unique<ShadowKeeper>(
        program_.pid(), shadow->stub(), shadow->tids(),
        ShadowKeeper::Callbacks{
            [this](const siginfo_t& info, GuestTid tid) { signals_.emplace_back(info, tid); },
            [this](const protocol::HomeCallDone& done) {
              signals_before_answer_ = signals_.size();
              answers_.push_back(done);
            },
            [this](const tracer::StopKind& end) { end_ = end; }});
  }

  // All threads must be waited for before the first one is said to have ended (ptrace(2)).
  void TearDown() override {
    if (!keeper_ || end_) return;
    ::kill(program_.pid().value, SIGKILL);
    EXPECT_TRUE(until([this] { return end_.has_value(); }));
  }

  // Look at events, as the control loop does at SIGCHLD, until there is what the test waits for.
  template <typename Condition>
  bool until(Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kGenerous;
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) return true;
      keeper_->on_sigchld();
      ::usleep(1000);
    }
    return false;
  }

  protocol::HomeCallDone call(std::uint64_t number, std::vector<std::uint64_t> arguments,
                              std::uint32_t output = 0, std::uint64_t size = 0) {
    protocol::HomeCall wanted;
    wanted.set_id(7);
    wanted.set_tid(program_.pid().value);
    wanted.set_number(number);
    for (const auto argument : arguments) wanted.add_arguments(argument);
    if (size != 0) {
      auto& buffer = *wanted.add_buffers();
      buffer.set_argument(output);
      buffer.set_size(size);
      buffer.set_output(true);
    }
    answers_.clear();
    keeper_->start_call(wanted);
    EXPECT_TRUE(until([this] { return !answers_.empty(); }));
    return answers_.empty() ? protocol::HomeCallDone() : answers_.front();
  }

  std::vector<HostTid> more_threads(std::size_t count) {
    std::vector<HostTid> tids;
    for (std::size_t i = 0; i < count; ++i) tids.push_back(keeper_->new_thread().value());
    return tids;
  }

  // From the pipe, which is empty.
  void read_a_byte(std::uint64_t id, HostTid tid) {
    protocol::HomeCall wanted;
    wanted.set_id(id);
    wanted.set_tid(tid.value);
    wanted.set_number(SYS_read);
    for (const std::uint64_t argument :
         {std::uint64_t(blocked_.first.get()), std::uint64_t(0), std::uint64_t(1)})
      wanted.add_arguments(argument);
    auto& buffer = *wanted.add_buffers();
    buffer.set_argument(1);
    buffer.set_size(1);
    buffer.set_output(true);
    keeper_->start_call(wanted);
  }

  std::size_t threads() { return tracer::list_threads(program_.pid())->size(); }

  static FdPair inherited_pipe() {
    std::array<int, 2> ends{};
    LLRUN_CHECK(::pipe(ends.data()) == 0, "a pipe");
    return {Fd(ends[0]), Fd(ends[1])};
  }
  Fd file_{::memfd_create("counted", 0)};  // the program's, too, with its offset
  FdPair blocked_ = inherited_pipe();      // likewise
  tracer::SelfChecking program_;
  std::unique_ptr<ShadowKeeper> keeper_;
  std::vector<std::pair<siginfo_t, GuestTid>> signals_;
  std::vector<protocol::HomeCallDone> answers_;
  std::size_t signals_before_answer_ = 0;  // the last
  std::optional<tracer::StopKind> end_;
};

TEST_F(Kept, ThreadsComeAndGo) {
  const auto before = threads();
  const auto made = keeper_->new_thread();
  ASSERT_OK(made);
  EXPECT_EQ(threads(), before + 1);
  keeper_->end_thread(*made);
  EXPECT_EQ(threads(), before);
}

TEST_F(Kept, CallsAreAnsweredAsTheProgramWouldBe) {
  EXPECT_EQ(call(SYS_getpgid, {0}).value(), ::getpgrp());
  EXPECT_EQ(call(SYS_getpriority, {PRIO_PROCESS, 0}).value(), 20 - ::getpriority(PRIO_PROCESS, 0));
  EXPECT_EQ(call(SYS_kill, {static_cast<std::uint64_t>(::getpid()), 0}).value(), 0);
  EXPECT_EQ(call(SYS_getpgid, {0x7fffffff}).value(), -ESRCH);
}

TEST_F(Kept, NoMoreIsAnsweredThanTheCallHasWritten) {
  std::vector<gid_t> own(1024);
  own.resize(static_cast<std::size_t>(::getgroups(1024, own.data())));
  const auto done = call(SYS_getgroups, {1024, 0}, 1, 1024 * sizeof(gid_t));
  ASSERT_EQ(done.value(), static_cast<std::int64_t>(own.size()));
  ASSERT_EQ(done.outputs_size(), 1);
  const std::string bytes(reinterpret_cast<const char*>(own.data()), own.size() * sizeof(gid_t));
  EXPECT_EQ(done.outputs(0).bytes(), bytes);
}

// More threads than any room made beforehand: each waits in its own call, and none for another's
// end.
TEST_F(Kept, AnyNumberOfThreadsMayWaitInCalls) {
  constexpr std::uint64_t kThreads = 70;
  const auto tids = more_threads(kThreads);
  for (std::uint64_t id = 0; id < kThreads; ++id) read_a_byte(id, tids[id]);
  EXPECT_TRUE(until([&] {
    return std::ranges::all_of(tids, [this](HostTid tid) {
      return tracer::sleeps_in_call(program_.pid(), tid) == SYS_read;
    });
  }));
  EXPECT_TRUE(answers_.empty());
  keeper_->cancel_call(kThreads - 1);
  ASSERT_EQ(answers_.size(), 1);
  EXPECT_EQ(answers_[0].id(), kThreads - 1);
  EXPECT_TRUE(answers_[0].cancelled());
  EXPECT_EQ(answers_[0].refusal(), "");
  const std::string bytes(kThreads - 1, 'x');
  ASSERT_OK(write_all(blocked_.second.get(), std::as_bytes(std::span(bytes))));
  ASSERT_TRUE(until([&] { return answers_.size() == kThreads; }));
  for (std::size_t i = 1; i < answers_.size(); ++i) EXPECT_EQ(answers_[i].value(), 1);
}

// The program's own limit may leave no room for more: those under way give theirs back.
TEST_F(Kept, CallsForWhichThereIsNoRoomWaitForIt) {
  constexpr std::uint64_t kThreads = 70;
  const auto tids = more_threads(kThreads);
  read_a_byte(0, tids[0]);
  rlimit little{};
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_AS, nullptr, &little), 0);
  little.rlim_cur = 0;
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_AS, &little, nullptr), 0);
  for (std::uint64_t id = 1; id < kThreads; ++id) read_a_byte(id, tids[id]);
  EXPECT_TRUE(answers_.empty());
  const std::string bytes(kThreads, 'x');
  ASSERT_OK(write_all(blocked_.second.get(), std::as_bytes(std::span(bytes))));
  ASSERT_TRUE(until([&] { return answers_.size() == kThreads; }));
  for (const auto& answer : answers_) EXPECT_EQ(answer.value(), 1) << answer.refusal();
}

TEST_F(Kept, ACallThatCannotBeBegunSaysWhy) {
  protocol::HomeCall wanted;
  wanted.set_id(9);
  wanted.set_tid(0x3fffffff);
  wanted.set_number(SYS_getpgid);
  keeper_->start_call(wanted);
  ASSERT_EQ(answers_.size(), 1);
  EXPECT_TRUE(answers_[0].cancelled());
  EXPECT_NE(answers_[0].refusal(), "");
}

// select(2) writes the time that is left also when it is interrupted, and its sets only when it is
// not.
TEST_F(Kept, WhatIsWrittenAlwaysIsToldOfACallThatIsGivenUp) {
  protocol::HomeCall wanted;
  wanted.set_id(9);
  wanted.set_tid(program_.pid().value);
  wanted.set_number(SYS_select);
  for (const std::uint64_t argument : {0, 0, 0, 0, 0}) wanted.add_arguments(argument);
  const timeval whole{1000, 0};
  const auto add = [&](std::uint32_t argument, const std::string& input, bool always) {
    auto& buffer = *wanted.add_buffers();
    buffer.set_argument(argument);
    buffer.set_size(input.size());
    buffer.set_input(input);
    buffer.set_output(true);
    buffer.set_written_always(always);
  };
  add(1, std::string(8, '\0'), false);
  add(4, std::string(reinterpret_cast<const char*>(&whole), sizeof whole), true);
  keeper_->start_call(wanted);
  const auto sleeps = [this] {
    const auto stat = tracer::read_stat(program_.pid());
    return stat && stat->state == 'S';
  };
  ASSERT_TRUE(until(sleeps));
  keeper_->cancel_call(wanted.id());
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_[0].cancelled());
  ASSERT_EQ(answers_[0].outputs_size(), 1);
  EXPECT_EQ(answers_[0].outputs(0).buffer(), 1U);
  timeval left{};
  ASSERT_EQ(answers_[0].outputs(0).bytes().size(), sizeof left);
  answers_[0].outputs(0).bytes().copy(reinterpret_cast<char*>(&left), sizeof left);
  EXPECT_LT(left.tv_sec, whole.tv_sec);  // less by what it has slept
  EXPECT_GE(left.tv_sec, 0);
}

// Wherever the thread is when its call is given up: the call has been made and is answered, or has
// not been made. No trap is left over.
TEST_F(Kept, ACallIsDoneOrNotWheneverItIsCancelled) {
  constexpr int kCalls = 20'000;
  constexpr std::chrono::nanoseconds kStep{7}, kLongest{40'000};  // beyond the end of such a call
  std::uint64_t made = 0, value = 0;
  for (int i = 0; i < kCalls && !end_; ++i) {
    protocol::HomeCall wanted;
    wanted.set_id(static_cast<std::uint64_t>(i));
    wanted.set_tid(program_.pid().value);
    wanted.set_number(SYS_lseek);
    for (const auto argument :
         {std::uint64_t(file_.get()), std::uint64_t(1), std::uint64_t(SEEK_CUR)})
      wanted.add_arguments(argument);
    answers_.clear();
    keeper_->start_call(wanted);
    const auto then = std::chrono::steady_clock::now() + i * kStep % kLongest;
    while (std::chrono::steady_clock::now() < then) continue;
    keeper_->cancel_call(wanted.id());
    ASSERT_EQ(answers_.size(), 1);
    if (answers_.front().cancelled()) continue;
    ++made;
    value = static_cast<std::uint64_t>(answers_.front().value());
    ASSERT_EQ(value, made) << "after call " << i;
    ASSERT_TRUE(signals_.empty()) << signals_.front().first.si_signo;
  }
  EXPECT_GT(made, 0);
  EXPECT_LT(made, std::uint64_t(kCalls));
}

// One that the guest's thread has blocked is pending there when the call returns.
TEST_F(Kept, ASignalThatACallHasRaisedIsHandedOnBeforeItsAnswerAndOnce) {
  rlimit before{};
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_FSIZE, nullptr, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_FSIZE, &none, nullptr), 0);
  protocol::HomeCall wanted;
  wanted.set_id(3);
  wanted.set_tid(program_.pid().value);
  wanted.set_number(SYS_ftruncate);
  wanted.add_arguments(static_cast<std::uint64_t>(file_.get()));
  wanted.add_arguments(1);
  wanted.set_signal_mask(std::uint64_t{1} << (SIGXFSZ - 1));
  keeper_->start_call(wanted);
  ASSERT_TRUE(until([this] { return !answers_.empty() || end_; }));
  ASSERT_EQ(answers_.size(), 1);
  EXPECT_EQ(answers_[0].value(), -EFBIG);
  ASSERT_EQ(signals_before_answer_, 1);
  EXPECT_EQ(signals_[0].first.si_signo, SIGXFSZ);
  EXPECT_EQ(signals_[0].second.value, program_.pid().value);
  EXPECT_EQ(call(SYS_getpgid, {0}).value(), ::getpgrp());
  EXPECT_EQ(signals_.size(), 1);
}

TEST_F(Kept, SignalsAreHandedOnAndDoNothing) {
  ASSERT_EQ(::kill(program_.pid().value, SIGTERM), 0);
  ASSERT_TRUE(until([this] { return !signals_.empty(); }));
  EXPECT_EQ(signals_[0].first.si_signo, SIGTERM);
  EXPECT_EQ(signals_[0].first.si_pid, ::getpid());
  EXPECT_FALSE(signals_[0].second);
  EXPECT_FALSE(end_);
}

// Whoever stops it for its return meets a signal that the keeper has not heard of.
TEST_F(Kept, SignalsAreHandedOnAlsoByWhoStopsIt) {
  ASSERT_EQ(::kill(program_.pid().value, SIGTERM), 0);
  const auto one_has_met_it = [this] {
    return std::ranges::any_of(keeper_->tids(), [this](HostTid tid) {
      return tracer::read_stat(program_.pid(), tid)->state == 't';
    });
  };
  const auto deadline = std::chrono::steady_clock::now() + kGenerous;
  while (!one_has_met_it()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  auto threads = keeper_->stop_all();
  ASSERT_OK(threads);
  ASSERT_EQ(signals_.size(), 1);
  EXPECT_EQ(signals_[0].first.si_signo, SIGTERM);
  ASSERT_OK(keeper_->park_all(std::move(*threads), keeper_->page()));
}

TEST_F(Kept, EndsWithTheGuestsStatus) {
  ASSERT_OK(keeper_->end_like_guest(7 << 8));
  ASSERT_TRUE(until([this] { return end_.has_value(); }));
  ASSERT_TRUE(std::holds_alternative<tracer::Exited>(*end_));
  EXPECT_EQ(std::get<tracer::Exited>(*end_).status, 7);
}

TEST_F(Kept, DiesByTheGuestsSignal) {
  ASSERT_OK(keeper_->end_like_guest(SIGALRM));
  ASSERT_TRUE(until([this] { return end_.has_value(); }));
  ASSERT_TRUE(std::holds_alternative<tracer::Killed>(*end_));
  EXPECT_EQ(std::get<tracer::Killed>(*end_).signal, SIGALRM);
}

// The pidfd says nothing before each thread has been waited for.
TEST_F(Kept, IsToldOfAnEndThatComesWhileItIsHeld) {
  auto threads = keeper_->stop_all();
  ASSERT_OK(threads);
  ASSERT_EQ(::kill(program_.pid().value, SIGKILL), 0);
  ASSERT_TRUE(until([this] { return end_.has_value(); }));
  ASSERT_TRUE(std::holds_alternative<tracer::Killed>(*end_));
  EXPECT_EQ(std::get<tracer::Killed>(*end_).signal, SIGKILL);
}

// Whoever was stopped for a call that cannot be made goes on.
TEST_F(Kept, RunsOnWhereThereIsNoRoomForACall) {
  rlimit before{};
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_AS, nullptr, &before), 0);
  const rlimit little{0, before.rlim_max};
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_AS, &little, nullptr), 0);
  EXPECT_TRUE(call(SYS_getpgid, {0}).cancelled());
  ASSERT_EQ(::syscall(SYS_tgkill, program_.pid().value, program_.pid().value, SIGUSR1), 0);
  ASSERT_TRUE(until([this] { return !signals_.empty(); }));
  ASSERT_EQ(::prlimit(program_.pid().value, RLIMIT_AS, &before, nullptr), 0);
  EXPECT_EQ(call(SYS_getpgid, {0}).value(), ::getpgrp());
}

// What a wait would tell is met by whoever has stopped the threads; the pidfd says it once more.
TEST_F(Kept, IsToldOfAnEndThatIsMetWhileItIsHeld) {
  auto threads = keeper_->stop_all();
  ASSERT_OK(threads);
  ASSERT_EQ(::kill(program_.pid().value, SIGKILL), 0);
  auto tids = threads->tids();
  std::ranges::reverse(tids);  // the main thread's end is told last
  for (const HostTid tid : tids) ASSERT_OK(tracer::wait_for_end(tid));
  keeper_->on_sigchld();
  EXPECT_FALSE(end_);
  keeper_->on_died();
  ASSERT_TRUE(end_);
  EXPECT_EQ(std::get<tracer::Killed>(*end_).signal, SIGKILL);
}

}  // namespace
}  // namespace llrun
