// Calls with a time limit, stopped here and moved, again and again: what is left of their time is
// known, is what they go on with, and nothing of it shows to the program.
#include "tracer/objects/sleeps.h"

#include <gtest/gtest.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

#include <cerrno>
#include <ostream>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/journey.h"
#include "tracer/procfs/sched.h"
#include "tracer/procfs/switches.h"

namespace llrun::tracer {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr long kEpollPwait2 = 441;
constexpr nanoseconds kHour = std::chrono::hours(1);

// The program's own limit, where every call finds it, and another one that nobody can write to.
timespec limit{3600, 0};
const timespec kFixed{3600, 0};
const timeval kFixedMicroseconds{3600, 0};

int told(long result) { return result < 0 ? errno : 0; }

int limit_ms() { return static_cast<int>(limit.tv_sec * 1000 + limit.tv_nsec / 1'000'000); }

int sleep_raw() { return told(::syscall(SYS_nanosleep, &limit, nullptr)); }
int sleep_clock() { return ::clock_nanosleep(CLOCK_BOOTTIME, 0, &limit, nullptr); }
// As std::this_thread::sleep_for does it.
int sleep_in_place() {
  timespec rest = limit;
  return told(::nanosleep(&rest, &rest));
}
int wait_poll() { return told(::poll(nullptr, 0, limit_ms())); }
int wait_futex() {
  static int word = 0;
  return told(::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit, nullptr, 0));
}
int wait_epoll() {
  epoll_event event{};
  return told(::epoll_wait(::epoll_create1(0), &event, 1, limit_ms()));
}
int wait_epoll_masked() {
  epoll_event event{};
  sigset_t mask;
  ::sigemptyset(&mask);
  return told(::epoll_pwait(::epoll_create1(0), &event, 1, limit_ms(), &mask));
}
int wait_epoll_exactly() {
  epoll_event event{};
  return told(::syscall(kEpollPwait2, ::epoll_create1(0), &event, 1, &limit, nullptr, 8));
}
int wait_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  return told(::sigtimedwait(&set, nullptr, &limit));
}
// Made and removed by the test, not by the children.
class Semaphore {
 public:
  Semaphore() = default;
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore() { ::semctl(id_, 0, IPC_RMID); }
  [[nodiscard]] int id() const { return id_; }

 private:
  int id_ = ::semget(IPC_PRIVATE, 1, 0600);
};
const Semaphore semaphore;

int wait_semaphore() {
  sembuf take{0, -1, 0};
  return told(::semtimedop(semaphore.id(), &take, 1, &limit));
}
int wait_ppoll() { return told(::syscall(SYS_ppoll, nullptr, 0, &limit, nullptr, 8)); }
int wait_ppoll_fixed() { return told(::syscall(SYS_ppoll, nullptr, 0, &kFixed, nullptr, 8)); }
int wait_pselect_fixed() {
  return told(::syscall(SYS_pselect6, 0, nullptr, nullptr, nullptr, &kFixed, nullptr));
}
int wait_select_fixed() {
  return told(::syscall(SYS_select, 0, nullptr, nullptr, nullptr, &kFixedMicroseconds));
}
int wait_bytes() {
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, 1, &context) != 0) return EINVAL;
  io_event event{};
  return told(::syscall(SYS_io_getevents, context, 1, 1, &event, &limit));
}
int sleep_until() {
  timespec end{};
  ::clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += limit.tv_sec;
  end.tv_nsec += limit.tv_nsec;
  if (end.tv_nsec >= 1'000'000'000) end = {end.tv_sec + 1, end.tv_nsec - 1'000'000'000};
  return ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr);
}

struct Call {
  const char* name;
  long number;
  int (*make)();
  int at_end = 0;       // the error number when its time is over
  bool fixed = false;   // it waits for an hour whatever `limit` says
  bool travels = true;  // asynchronous input and output is a pin
  friend std::ostream& operator<<(std::ostream& out, const Call& call) { return out << call.name; }
};

const Call kCalls[] = {
    {"nanosleep", SYS_nanosleep, sleep_raw},
    {"clock_nanosleep", SYS_clock_nanosleep, sleep_clock},
    {"nanosleep_in_place", SYS_clock_nanosleep, sleep_in_place},
    {"poll", SYS_poll, wait_poll},
    {"futex", SYS_futex, wait_futex, ETIMEDOUT},
    {"epoll_wait", SYS_epoll_wait, wait_epoll},
    {"epoll_pwait", SYS_epoll_pwait, wait_epoll_masked},
    {"epoll_pwait2", kEpollPwait2, wait_epoll_exactly},
    {"sigtimedwait", SYS_rt_sigtimedwait, wait_signal, EAGAIN},
    {"semtimedop", SYS_semtimedop, wait_semaphore, EAGAIN},
    {"ppoll_fixed", SYS_ppoll, wait_ppoll_fixed, 0, true},
    {"pselect6_fixed", SYS_pselect6, wait_pselect_fixed, 0, true},
    {"select_fixed", SYS_select, wait_select_fixed, 0, true},
    {"io_getevents", SYS_io_getevents, wait_bytes, 0, false, false},
};

nanoseconds now() { return monotonic_now(); }

// Time that has passed, whatever else happens meanwhile.
void let_pass(nanoseconds time) {
  const auto end = now() + time;
  while (now() < end) ::usleep(1000);
}

void wait_until_asleep_in(HostPid pid, std::uint64_t number) {
  const HostTid tid{pid.value};
  for (int tries = 0; tries < 20'000; ++tries) {
    if (sleeps_in_call(pid, tid) == number) return;
    ::usleep(500);
  }
  FAIL() << "it does not wait";
}

// A child in one call, and all that is known of it from stop to stop.
class Waiting {
 public:
  explicit Waiting(const Call& call) : call_(call), before_(now()), child_([&] { run(); }) {
    wait_until_in_call();
    after_ = now();
  }
  [[nodiscard]] HostPid pid() const { return child_.pid(); }
  [[nodiscard]] HostTid tid() const { return child_.main_thread(); }
  [[nodiscard]] Sleeps& sleeps() { return sleeps_; }

  // The number is that of restart_syscall after a restart by the kernel.
  void wait_until_in_call() {
    for (int tries = 0; tries < 20'000; ++tries) {
      const auto number = sleeps_in_call(pid(), tid());
      const auto switches = voluntary_switches(pid(), tid());
      if (number &&
          (*number == static_cast<std::uint64_t>(call_.number) || *number == kRestartSyscall) &&
          switches == voluntary_switches(pid(), tid()))
        return;
      ::usleep(500);
    }
    FAIL() << call_.name << " is not called";
  }

  // Not less than there is, and not more than if it had slept `passed` less than it has.
  void expect_left(std::optional<std::uint64_t> left, nanoseconds passed) const {
    constexpr nanoseconds kResolution = milliseconds(5);
    ASSERT_TRUE(left.has_value());
    const nanoseconds rest{static_cast<std::int64_t>(*left)};
    EXPECT_GE(rest, kHour - (now() - before_));
    EXPECT_LE(rest, kHour - passed + kResolution);
  }
  [[nodiscard]] nanoseconds slept() const { return now() - after_; }

  Result<ThreadSet> seize() const { return ThreadSet::seize_all(pid(), PTRACE_O_EXITKILL); }

 private:
  [[noreturn]] void run() const { ::_exit(call_.make() == call_.at_end ? 0 : 1); }
  Call call_;
  nanoseconds before_, after_{};
  Child child_;
  Sleeps sleeps_;
};

constexpr nanoseconds kPassed = milliseconds(100);

class EachCall : public testing::TestWithParam<Call> {};
class EachCallThatTravels : public testing::TestWithParam<Call> {};

std::string name_of(const testing::TestParamInfo<Call>& call) { return call.param.name; }

std::vector<Call> that_travel() {
  std::vector<Call> calls;
  for (const auto& call : kCalls)
    if (call.travels) calls.push_back(call);
  return calls;
}

INSTANTIATE_TEST_SUITE_P(Sleeps, EachCall, testing::ValuesIn(kCalls), name_of);
INSTANTIATE_TEST_SUITE_P(Sleeps, EachCallThatTravels, testing::ValuesIn(that_travel()), name_of);

TEST_P(EachCall, IsKnownFromStopToStopWhereItIs) {
  Waiting waiting(GetParam());
  for (int stops = 1; stops <= 3; ++stops) {
    let_pass(kPassed);
    auto threads = waiting.seize();
    ASSERT_OK(threads);
    auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome, &waiting.sleeps());
    ASSERT_OK(freeze);
    const auto& thread = freeze->threads().front();
    waiting.expect_left(thread.sleep_remaining, kPassed * stops);
    if (is_restart_code(thread.travelling.rax)) {
      EXPECT_EQ(thread.travelling.orig_rax, static_cast<std::uint64_t>(GetParam().number));
    }
    ASSERT_OK(freeze->release());
    waiting.sleeps() = freeze->take_sleeps();
    waiting.wait_until_in_call();
  }
}

TEST_P(EachCallThatTravels, IsKnownFromMoveToMove) {
  Waiting waiting(GetParam());
  for (int moves = 1; moves <= 3; ++moves) {
    let_pass(kPassed);
    auto threads = waiting.seize();
    ASSERT_OK(threads);
    auto home = there_and_home(std::move(*threads), &waiting.sleeps());
    ASSERT_OK(home);
    waiting.expect_left(waiting.sleeps().left(waiting.tid()), kPassed * moves);
    waiting.sleeps().observe(waiting.pid(), home->tids());
    ASSERT_OK(home->stop_all());
    ASSERT_OK(waiting.sleeps().look(waiting.pid(), home->stopped(waiting.tid())));
    waiting.expect_left(waiting.sleeps().left(waiting.tid()), kPassed * moves);
    ASSERT_OK(waiting.sleeps().detach_from(*home));
    ASSERT_OK(home->detach_all());
    waiting.wait_until_in_call();
  }
}

// What the thread goes on with: in the register, or lent to the program's memory for that moment.
TEST_P(EachCall, GoesOnWithWhatIsLeft) {
  Waiting waiting(GetParam());
  let_pass(kPassed);
  auto threads = waiting.seize();
  ASSERT_OK(threads);
  waiting.sleeps().observe(waiting.pid(), threads->tids());
  ASSERT_OK(threads->stop_all());
  ASSERT_OK(waiting.sleeps().look(waiting.pid(), threads->stopped(waiting.tid())));
  const auto found = registers(threads->stopped(waiting.tid()));
  ASSERT_OK(found);
  if (sleeps_with_restart_block(*found)) return;  // the kernel knows
  const auto argument = timeout_argument(static_cast<std::uint64_t>(GetParam().number), *found);
  ASSERT_NE(argument.form, TimeoutForm::kNone);
  const auto own = requested_time(waiting.pid(), argument, *found);
  std::optional<std::uint64_t> given;
  const auto gone = waiting.sleeps().go_on(waiting.pid(), threads->take_stopped(waiting.tid()),
                                           [&](StoppedThread thread) -> Result<> {
                                             LLRUN_TRY_ASSIGN(const auto with, registers(thread));
                                             given = requested_time(waiting.pid(), argument, with);
                                             return detach(std::move(thread));
                                           });
  ASSERT_OK(gone);
  waiting.expect_left(given, kPassed);
  if (argument.form != TimeoutForm::kMilliseconds) {
    EXPECT_EQ(requested_time(waiting.pid(), argument, *found), own) << "it is taken back";
  }
}

// With a limit that is over after some stops and moves: no sooner, and without a trace.
TEST_P(EachCallThatTravels, EndsWhenItsTimeIsOver) {
  if (GetParam().fixed) return;
  Child child([] {
    limit = {0, 400'000'000};
    const auto before = now();
    const int result = GetParam().make();
    if (now() - before < milliseconds(400)) ::_exit(2);
    if (limit.tv_sec != 0 || limit.tv_nsec != 400'000'000) ::_exit(3);
    ::_exit(result == GetParam().at_end ? 0 : 1);
  });
  Sleeps sleeps;
  for (int moves = 0; moves < 3; ++moves) {
    auto threads = ThreadSet::seize_all(child.pid(), PTRACE_O_EXITKILL);
    if (!threads) break;  // it is over
    auto home = there_and_home(std::move(*threads), &sleeps);
    if (!home) break;
    sleeps.observe(child.pid(), home->tids());
    if (!home->stop_all()) break;
    ASSERT_OK(sleeps.look(child.pid(), home->stopped(child.main_thread())));
    ASSERT_OK(sleeps.detach_from(*home));
    ASSERT_OK(home->detach_all());
    let_pass(milliseconds(50));
  }
  EXPECT_EQ(child.wait(), 0);
}

// A time of day, and a limit that the kernel itself writes back, need nothing of ours.
TEST(Sleeps, KnowNothingOfCallsThatTellTheirTime) {
  for (const Call& call : {Call{"sleep_until", SYS_clock_nanosleep, sleep_until},
                           Call{"ppoll", SYS_ppoll, wait_ppoll}}) {
    Waiting waiting(call);
    auto threads = waiting.seize();
    ASSERT_OK(threads);
    auto freeze = Freeze::begin(std::move(*threads));
    ASSERT_OK(freeze);
    const auto& thread = freeze->threads().front();
    EXPECT_FALSE(thread.sleep_remaining.has_value()) << call;
    EXPECT_EQ(static_cast<std::int64_t>(thread.travelling.rax), kRestartNoHandler) << call;
    ASSERT_OK(freeze->release());
  }
}

// libc's syscall() has no number in its code; whoever restored the thread knows it.
TEST(Sleeps, KnowTheNumberOfACallThatTheyHaveBegunAgain) {
  Waiting waiting(Call{"futex", SYS_futex, wait_futex, ETIMEDOUT});
  auto threads = waiting.seize();
  ASSERT_OK(threads);
  auto home = there_and_home(std::move(*threads), &waiting.sleeps());
  ASSERT_OK(home);
  waiting.wait_until_in_call();
  Sleeps none;
  ASSERT_OK(home->stop_all());
  const auto found = registers(home->stopped(waiting.tid()));
  ASSERT_OK(found);
  EXPECT_EQ(found->orig_rax, kRestartSyscall);
  auto freeze = Freeze::begin(std::move(*home), Freeze::Where::kGuest, &waiting.sleeps());
  ASSERT_OK(freeze);
  EXPECT_EQ(freeze->threads().front().travelling.orig_rax, static_cast<unsigned long>(SYS_futex));
  ASSERT_OK(freeze->release());
}

// A stop of the program's own, which the kernel has begun the call again after, hides its number.
TEST(Sleeps, KnowTheNumberOfACallThatTheKernelHasBegunAgain) {
  Waiting waiting(Call{"nanosleep_in_place", SYS_clock_nanosleep, sleep_in_place});
  let_pass(kPassed);
  ASSERT_EQ(::kill(waiting.pid().value, SIGSTOP), 0);
  ASSERT_EQ(::waitpid(waiting.pid().value, nullptr, WUNTRACED), waiting.pid().value);
  ASSERT_EQ(::kill(waiting.pid().value, SIGCONT), 0);
  wait_until_asleep_in(waiting.pid(), kRestartSyscall);
  auto threads = waiting.seize();
  ASSERT_OK(threads);
  auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome, &waiting.sleeps());
  ASSERT_OK(freeze);
  const auto& thread = freeze->threads().front();
  waiting.expect_left(thread.sleep_remaining, kPassed);
  EXPECT_EQ(thread.travelling.orig_rax, static_cast<std::uint64_t>(SYS_clock_nanosleep));
  ASSERT_OK(freeze->release());
}

// Nobody waits for such a thread: what it was lent is in its memory until it is looked at again.
TEST(Sleeps, TakeBackWhatACallThatIsHandedToUsWasLent) {
  Waiting waiting(Call{"sigtimedwait", SYS_rt_sigtimedwait, wait_signal, EAGAIN});
  waiting.sleeps().set_handed([](std::uint64_t number) { return number == SYS_rt_sigtimedwait; });
  let_pass(kPassed);
  const auto stopped = [&] {
    auto threads = waiting.seize();
    EXPECT_TRUE(threads && threads->stop_all());
    EXPECT_TRUE(waiting.sleeps().look(waiting.pid(), threads->stopped(waiting.tid())));
    return std::move(*threads);
  };
  auto threads = stopped();
  const auto found = registers(threads.stopped(waiting.tid()));
  ASSERT_OK(found);
  const auto argument = timeout_argument(SYS_rt_sigtimedwait, *found);
  const auto own = requested_time(waiting.pid(), argument, *found);
  ASSERT_OK(waiting.sleeps().detach_from(threads));
  EXPECT_LT(requested_time(waiting.pid(), argument, *found), own);
  threads = stopped();
  EXPECT_EQ(requested_time(waiting.pid(), argument, *found), own);
  ASSERT_OK(threads.detach_all());
}

// Says 'w' before each of its waits, which a byte ends.
[[noreturn]] void wait_again_and_again(int from, int to) {
  const int epoll = ::epoll_create1(0);
  epoll_event event{EPOLLIN, {}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, from, &event);
  for (;;) {
    char byte = 'w';
    if (::write(to, &byte, 1) != 1) ::_exit(1);
    if (::syscall(kEpollPwait2, epoll, &event, 1, &limit, nullptr, 8) != 1) ::_exit(2);
    if (::read(from, &byte, 1) != 1) ::_exit(3);
  }
}

// The same registers, at the same place: only that the thread has run in between tells.
TEST(Sleeps, TellALaterCallFromTheOneTheyKnow) {
  const auto in = make_pipe();
  const auto out = make_pipe();
  Child child([&] { wait_again_and_again(in->first.get(), out->second.get()); });
  Sleeps sleeps;
  nanoseconds begun{};
  for (int waits = 0; waits < 3; ++waits) {
    char byte = 0;
    begun = now();
    if (waits > 0) {
      ASSERT_EQ(::write(in->second.get(), "x", 1), 1);
    }
    ASSERT_EQ(::read(out->first.get(), &byte, 1), 1);
    wait_until_asleep_in(child.pid(), kEpollPwait2);
    let_pass(kPassed);
    auto threads = ThreadSet::seize_all(child.pid(), PTRACE_O_EXITKILL);
    ASSERT_OK(threads);
    auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome, &sleeps);
    ASSERT_OK(freeze);
    const auto left = freeze->threads().front().sleep_remaining;
    ASSERT_TRUE(left.has_value());
    EXPECT_GE(nanoseconds(static_cast<std::int64_t>(*left)), kHour - (now() - begun));
    EXPECT_LE(nanoseconds(static_cast<std::int64_t>(*left)), kHour - kPassed + milliseconds(5));
    ASSERT_OK(freeze->release());
    sleeps = freeze->take_sleeps();
  }
}

void take_no_notice(int) {}

void catch_usr1() {
  struct sigaction action {};
  action.sa_handler = take_no_notice;
  ::sigaction(SIGUSR1, &action, nullptr);
}

Result<> move_and_let_go(HostPid pid, Sleeps& sleeps) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid, PTRACE_O_EXITKILL));
  LLRUN_TRY_ASSIGN(auto home, there_and_home(std::move(threads), &sleeps));
  sleeps.observe(pid, home.tids());
  LLRUN_TRY(home.stop_all());
  LLRUN_TRY(sleeps.look(pid, home.stopped(HostTid{pid.value})));
  LLRUN_TRY(sleeps.detach_from(home));
  return home.detach_all();
}

TEST_P(EachCallThatTravels, IsEndedByAHandlerAfterAMove) {
  Child child([] {
    catch_usr1();
    const timespec before = limit;
    if (GetParam().make() != EINTR) ::_exit(1);
    ::_exit(limit.tv_sec == before.tv_sec && limit.tv_nsec == before.tv_nsec ? 0 : 2);
  });
  wait_until_asleep_in(child.pid(), static_cast<std::uint64_t>(GetParam().number));
  Sleeps sleeps;
  ASSERT_OK(move_and_let_go(child.pid(), sleeps));
  ASSERT_EQ(::kill(child.pid().value, SIGUSR1), 0);
  EXPECT_EQ(child.wait(), 0);
}

// What nanosleep tells of its rest when a handler ends it after two moves.
TEST(Sleeps, AreToldTheirRestWhenAHandlerEndsThemAfterMoves) {
  Child child([] {
    catch_usr1();
    const auto before = now();
    timespec rest{};
    if (::nanosleep(&limit, &rest) == 0 || errno != EINTR) ::_exit(1);
    const auto left = std::chrono::seconds(rest.tv_sec) + nanoseconds(rest.tv_nsec);
    if (left + (now() - before) < kHour) ::_exit(2);
    if (left > kHour - 2 * kPassed + milliseconds(5)) ::_exit(3);
  });
  wait_until_asleep_in(child.pid(), SYS_clock_nanosleep);
  Sleeps sleeps;
  for (int moves = 0; moves < 2; ++moves) {
    let_pass(kPassed);
    ASSERT_OK(move_and_let_go(child.pid(), sleeps));
  }
  ASSERT_EQ(::kill(child.pid().value, SIGUSR1), 0);
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace llrun::tracer
