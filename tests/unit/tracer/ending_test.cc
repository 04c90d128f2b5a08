// A program may end, be killed or become another between any two steps of whoever traces it: its
// parent is told of its end exactly as if nobody did, and nobody stays attached to it. Here a third
// process traces the tracer, stops it before each of the calls by which it does anything, one after
// another, and ends the program there.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/journey.h"
#include "tracer/ptrace/letting_go.h"
#include "tracer/ptrace/thread_set.h"

namespace llrun::tracer {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kGenerous{60};

// -- Whoever traces. What each says is not asked: the program may be gone.

void look_at_it(HostPid pid) {
  auto threads = ThreadSet::seize_all(pid);
  if (!threads || !threads->stop_all()) return;
  for (const auto tid : threads->tids()) std::ignore = registers(threads->stopped(tid));
  std::ignore = threads->detach_all();
}

void freeze_and_release(HostPid pid) {
  auto threads = ThreadSet::seize_all(pid);
  if (!threads) return;
  auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome);
  if (!freeze || !capture_process(*freeze)) return;
  std::ignore = freeze->release();
}

// What has met the shadow meets the program.
void pass_on(HostPid pid, const std::vector<siginfo_t>& signals) {
  for (const auto& info : signals) ::kill(pid.value, info.si_signo);
}

void park_and_take_back(HostPid pid) {
  auto threads = ThreadSet::seize_all(pid);
  if (!threads) return;
  auto freeze = Freeze::begin(std::move(*threads), Freeze::Where::kHome);
  if (!freeze) return;
  const auto capture = capture_process(*freeze);
  if (!capture) return;
  auto shadow = Shadow::make(std::move(*freeze), capture->process);
  if (!shadow) return;
  std::ignore = shadow->become_program(capture->process);
  std::ignore = shadow->detach_all();
}

Result<> go_there_and_home(HostPid pid, std::vector<siginfo_t>& late) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid));
  LLRUN_TRY_ASSIGN(auto freeze, Freeze::begin(std::move(threads), Freeze::Where::kHome));
  LLRUN_TRY_ASSIGN(const auto image, take_image(freeze));
  LLRUN_TRY_ASSIGN(auto shadow, Shadow::make(std::move(freeze), image.process));
  LLRUN_TRY(shadow.drop_memory());
  const auto stub = shadow.stub();
  LLRUN_TRY_ASSIGN(auto stopped, shadow.take_threads());
  late = shadow.take_late_signals();
  Restorer restorer(image.process, std::move(stopped), {});
  LLRUN_TRY(restorer.lay_out(stub.site(), stub));
  LLRUN_TRY(land_all(restorer, image));
  LLRUN_TRY(restorer.finish());
  const auto ours = *restorer.stub();
  LLRUN_TRY_ASSIGN(auto home, restorer.release(false));
  LLRUN_TRY(ours.unmap_from(pid, home.stopped(HostTid{pid.value})));
  return home.detach_all();
}

void there_and_home(HostPid pid) {
  std::vector<siginfo_t> late;
  std::ignore = go_there_and_home(pid, late);
  pass_on(pid, late);
}

// -- The program.

enum class End { kKilled, kTerminated, kHandlesTerm, kExits, kMainOnly, kMainExecs, kOtherExecs };

// `threads` of them, which wait in the kernel until the program is told to end.
class Program {
 public:
  Program(End how, int threads)
      : how_(how), threads_(threads), order_(*make_pipe()), acts_(*make_pipe()), child_([this] {
          order_.second.reset();
          live();
        }) {
    std::string ready(1, '\0');
    EXPECT_EQ(::read(acts_.first.get(), ready.data(), 1), 1);
  }
  [[nodiscard]] HostPid pid() const { return child_.pid(); }

  void tell_to_end() {
    if (how_ == End::kKilled) ::kill(pid().value, SIGKILL);
    if (how_ == End::kTerminated || how_ == End::kHandlesTerm) ::kill(pid().value, SIGTERM);
    tell();
  }
  // Until it does, or stands still because somebody has stopped it.
  void let_act() const {
    constexpr int kLittle = 2;  // ms
    pollfd acts{acts_.first.get(), POLLIN, 0};
    std::ignore = ::poll(&acts, 1, kLittle);
  }
  void tell() {
    const char byte = 'e';
    std::ignore = ::write(order_.second.get(), &byte, 1);
  }
  [[nodiscard]] bool needs_a_second_word() const { return how_ == End::kMainOnly && threads_ > 1; }

  [[nodiscard]] int expected() const {
    switch (how_) {
      case End::kKilled:
        return SIGKILL;
      case End::kTerminated:
        return SIGTERM;
      default:
        return 7 << 8;
    }
  }
  // Its wait status; -1 when it cannot be waited for in a generous time.
  int end() {
    int status = 0;
    for (const auto until = Clock::now() + kGenerous; Clock::now() < until;) {
      if (::waitpid(pid().value, &status, WNOHANG) == pid().value) {
        child_.forget();
        return status;
      }
      ::usleep(200);
    }
    return -1;
  }

 private:
  [[noreturn]] void live() {
    ::signal(SIGPIPE, SIG_IGN);
    if (how_ == End::kHandlesTerm) ::signal(SIGTERM, [](int) { ::_exit(7); });
    const bool other_acts = how_ == End::kExits || how_ == End::kOtherExecs;
    for (int i = 1; i < threads_; ++i)
      std::thread([this, acts = other_acts && i == threads_ / 2, waits = i == threads_ / 2] {
        if (acts) act();
        if (waits && how_ == End::kMainOnly) end_behind_main();
        for (;;) ::pause();
      }).detach();
    const char ready = 'r';
    std::ignore = ::write(acts_.second.get(), &ready, 1);
    if (!other_acts || threads_ == 1) act();
    for (;;) ::pause();
  }
  void await_order() const {
    char byte = 0;
    if (::read(order_.first.get(), &byte, 1) != 1) ::_exit(17);  // a stray EINTR, say
  }
  // The first word is the main thread's.
  void end_behind_main() const {
    while (is_alive(::getpid())) ::usleep(500);
    await_order();
    ::_exit(7);
  }
  static bool is_alive(pid_t tid) {
    const auto stat = read_whole_file("/proc/self/task/" + std::to_string(tid) + "/stat");
    return stat && stat->find(") Z") == std::string::npos;
  }
  [[noreturn]] void act() const {
    if (how_ == End::kKilled || how_ == End::kTerminated || how_ == End::kHandlesTerm)
      for (;;) ::pause();
    await_order();
    const char acting = 'a';
    std::ignore = ::write(acts_.second.get(), &acting, 1);
    if (how_ == End::kMainOnly) ::syscall(SYS_exit, 7);
    if (how_ == End::kMainExecs || how_ == End::kOtherExecs)
      ::execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
    ::_exit(7);
  }

  End how_;
  int threads_;
  FdPair order_, acts_;
  Child child_;
};

// -- The tracer, traced.

bool matters(std::uint64_t call) {
  return call == SYS_ptrace || call == SYS_wait4 || call == SYS_waitid || call == SYS_pwrite64 ||
         call == SYS_process_vm_writev || call == SYS_process_vm_readv;
}

// Lives on behind its work, as a supervisor does, until this object goes.
class WatchedTracer {
 public:
  explicit WatchedTracer(const std::function<void()>& work)
      : done_(*make_pipe()), child_([this, &work] {
          ::raise(SIGSTOP);
          work();
          const char done = 'd';
          std::ignore = ::write(done_.second.get(), &done, 1);
          for (;; ::usleep(1000)) std::ignore = let_go_stragglers();
        }) {
    int status = 0;
    EXPECT_EQ(::waitpid(child_.pid().value, &status, WUNTRACED), child_.pid().value);
    EXPECT_TRUE(seize(child_.main_thread(), PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    EXPECT_EQ(::kill(child_.pid().value, SIGCONT), 0);
  }

  // Before the n-th call that matters, or, when there are fewer, behind its work: false.
  bool run_to_call(int n) {
    bool before = true;
    for (int seen = 0;;) {
      const auto event = wait_for_stop(child_.main_thread());
      if (!event || event->ended()) throw std::runtime_error("the tracer has ended");
      if (event->is<SyscallStop>()) {
        const auto now = registers(StoppedThread::seen_stopped(child_.main_thread()));
        if (!now) throw std::runtime_error(now.error().message());
        if (before && matters(now->orig_rax) && ++seen == n) return true;
        if (before && now->orig_rax == SYS_write &&
            now->rdi == static_cast<std::uint64_t>(done_.second.get()))
          return false;
        before = !before;
      }
      const auto* signal = event->as<SignalDelivery>();
      const auto on = resume_to_syscall(StoppedThread::seen_stopped(child_.main_thread()),
                                        signal != nullptr ? signal->info.si_signo : 0);
      if (!on) throw std::runtime_error(on.error().message());
    }
  }
  void let_run() { ASSERT_TRUE(detach(StoppedThread::seen_stopped(child_.main_thread()))); }
  bool is_done() const {
    pollfd done{done_.first.get(), POLLIN, 0};
    return ::poll(&done, 1, static_cast<int>(kGenerous.count() * 1000)) == 1;
  }

 private:
  FdPair done_;
  Child child_;
};

struct Case {
  std::string name;
  void (*work)(HostPid);
  End how;
  int threads;
};

// True if the n-th call was reached.
bool ends_well_before_call(const Case& which, int n) {
  Program program(which.how, which.threads);
  WatchedTracer tracer([&] { which.work(program.pid()); });
  const bool reached = tracer.run_to_call(n);
  program.tell_to_end();
  program.let_act();
  tracer.let_run();
  if (program.needs_a_second_word()) {
    EXPECT_TRUE(tracer.is_done()) << "ended before call " << n;
    program.tell();
  }
  EXPECT_EQ(program.end(), program.expected()) << "ended before call " << n;
  EXPECT_TRUE(tracer.is_done()) << "ended before call " << n;
  return reached;
}

// Within a factor of two.
int count_calls(const Case& which) {
  for (int n = 1;; n *= 2) {
    Program program(which.how, which.threads);
    WatchedTracer tracer([&] { which.work(program.pid()); });
    if (!tracer.run_to_call(n)) return n;
  }
}

class Ending : public testing::TestWithParam<Case> {};

void end_at(const Case& which, int places) {
  const int calls = count_calls(which);
  EXPECT_GE(calls, 8);
  const int stride = places == 0 ? 1 : std::max(1, calls / places);
  for (int n = 1; ends_well_before_call(which, n) && !testing::Test::HasFailure();) n += stride;
}

// Of a crowd each place takes long: among those that attach, that read, and that change something.
void end_at_some(const Case& which) {
  for (const int n : {3, 150, 1500})
    if (!ends_well_before_call(which, n)) return;
}

// LLRUN_TEST_PLACES: about how many places of each case are tried, an eighth of them for a crowd; 0: all of them.
TEST_P(Ending, IsToldAsItWasWhereverItComes) {
  const char* places = ::getenv("LLRUN_TEST_PLACES");
  const bool is_crowd = GetParam().threads > 3;
  if (places != nullptr) return end_at(GetParam(), std::atoi(places) / (is_crowd ? 8 : 1));
  if (is_crowd) return end_at_some(GetParam());
  end_at(GetParam(), 12);
}

std::vector<Case> all_cases() {
  const std::pair<const char*, void (*)(HostPid)> works[] = {{"Look", look_at_it},
                                                             {"Freeze", freeze_and_release},
                                                             {"Park", park_and_take_back},
                                                             {"Journey", there_and_home}};
  const std::pair<const char*, End> ends[] = {
      {"Killed", End::kKilled},           {"Terminated", End::kTerminated},
      {"HandlesTerm", End::kHandlesTerm}, {"Exits", End::kExits},
      {"MainOnly", End::kMainOnly},       {"MainExecs", End::kMainExecs},
      {"OtherExecs", End::kOtherExecs}};
  std::vector<Case> cases;
  for (const auto& [work_name, work] : works)
    for (const auto& [end_name, end] : ends)
      for (const int threads : {1, 3, 60})
        cases.push_back(
            {std::string(work_name) + end_name + std::to_string(threads), work, end, threads});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Tracing, Ending, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace llrun::tracer
