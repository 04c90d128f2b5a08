#include "base/slow_tasks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

namespace llrun {
namespace {

using Clock = MonotonicClock;
constexpr std::chrono::milliseconds kLook{100};
constexpr int kMostLooks = 10;

struct Task {
  const char* kind;
  std::source_location given;
  Clock::time_point began;
  std::chrono::nanoseconds had_waited;  // for a processor, when it began
  int looks = 0;
  bool named = false;
};

// One a thread that has a loop.
struct Loop {
  pid_t tid = ::gettid();
  std::mutex mutex;
  std::optional<Task> task;
};

std::atomic<bool> switched_on = false;
std::mutex loops_mutex;

// Never destroyed: who looks at them does so also while the process ends.
std::vector<std::weak_ptr<Loop>>& all_loops() {
  static auto* const all = new std::vector<std::weak_ptr<Loop>>;
  return *all;
}

// "on-CPU run-delay slices", nanoseconds (Documentation/scheduler/sched-stats.rst). None where the
// kernel does not count them.
std::chrono::nanoseconds waited_for_a_processor(pid_t tid) {
  const auto text = read_whole_file(fmt::format("/proc/self/task/{}/schedstat", tid));
  std::istringstream numbers(text.value_or(""));
  std::uint64_t ran = 0;
  std::uint64_t waited = 0;
  numbers >> ran >> waited;
  return std::chrono::nanoseconds(waited);
}

Loop& own_loop() {
  thread_local const std::shared_ptr<Loop> own = [] {
    auto made = std::make_shared<Loop>();
    const std::lock_guard lock(loops_mutex);
    all_loops().push_back(made);
    return made;
  }();
  return *own;
}

std::string_view file_of(const std::source_location& place) {
  std::string_view name = place.file_name();
  for (const std::string_view part : {"/supervisor/", "/netproxy/", "/base/", "/tools/"})
    if (const auto at = name.rfind(part); at != std::string_view::npos) return name.substr(at + 1);
  return name;
}

void look_at(Loop& loop) {
  const std::lock_guard lock(loop.mutex);
  if (!loop.task || loop.task->named) return;
  const auto starved = waited_for_a_processor(loop.tid) - loop.task->had_waited;
  if (++loop.task->looks * kLook < kMostLooks * kLook + starved) return;
  loop.task->named = true;
  const bool is_main = loop.tid == ::getpid();
  log::error("a task of {} event loop takes over a second: a {} of {}:{}",
             is_main ? "the main" : "an", loop.task->kind, file_of(loop.task->given),
             loop.task->given.line());
}

void look_at_all() {
  const std::lock_guard lock(loops_mutex);
  std::erase_if(all_loops(), [](const auto& loop) { return loop.expired(); });
  for (const auto& known : all_loops())
    if (const auto loop = known.lock()) look_at(*loop);
}

}  // namespace

bool SlowTasks::named() { return switched_on; }

void SlowTasks::name_them() {
  if (switched_on.exchange(true)) return;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([] {
    for (;;) {
      std::this_thread::sleep_for(kLook);
      look_at_all();
    }
  }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SlowTasks::Around::Around(const char* kind, const std::source_location& given)
    : counts_(switched_on) {
  if (!counts_) return;
  Loop& loop = own_loop();
  const std::lock_guard lock(loop.mutex);
  loop.task = Task{kind, given, Clock::now(), waited_for_a_processor(loop.tid)};
}

SlowTasks::Around::~Around() {
  if (!counts_) return;
  Loop& loop = own_loop();
  const std::lock_guard lock(loop.mutex);
  if (loop.task && loop.task->named)
    log::info("that task, of {}:{}, has ended after {} ms", file_of(loop.task->given),
              loop.task->given.line(),
              std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - loop.task->began)
                  .count());
  loop.task.reset();
}

}  // namespace llrun
