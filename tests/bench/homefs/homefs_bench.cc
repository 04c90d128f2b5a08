// The file view beside the direct tree, on one machine: requests of /bin/true, latencies,
// throughput. JSON by
// --benchmark_format=json.
#include <benchmark/benchmark.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/kernel/homefs/files.h"
#include "tests/kernel/homefs/world.h"

namespace llrun::homefs::testing {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void run_true() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
}

// How many requests a program's start is, the first time and the next.
void RequestsOfTrue(benchmark::State& state) {
  std::size_t cold = 0, warm = 0;
  for (auto _ : state) {
    std::vector<std::size_t> marks;
    World world({.pivot = true, .on_ask = [&](World& w, const std::string&) {
                   marks.push_back(w.requests());
                   return std::string();
                 }});
    const auto wrong = world.run([](Guest& guest) {
      for (int i = 0; i < 3; ++i) guest.ask("count"), run_true();
      return std::string();
    });
    if (!wrong.empty() || marks.size() != 3) return state.SkipWithError(wrong.c_str());
    cold = marks[1] - marks[0];
    warm = marks[2] - marks[1];
  }
  state.counters["cold"] = static_cast<double>(cold);
  state.counters["warm"] = static_cast<double>(warm);
}
BENCHMARK(RequestsOfTrue)->Iterations(3)->Unit(benchmark::kMillisecond);

// Times `work(path)` in a guest through the view and directly; counters: both, and the ratio.
void compare(benchmark::State& state, double units, const char* unit,
             const std::function<void(const std::string&)>& work) {
  TemporaryTree tree;
  spit(tree / "data", std::string(std::size_t{64} << 20, 'd'));
  double direct = 0, view = 0;
  for (auto _ : state) {
    direct = seconds_of([&] { work(tree.path()); });
    World world({.server = {.root = tree.path()}});
    view = std::atof(world
                         .run([&](Guest& guest) {
                           return std::to_string(seconds_of([&] { work(guest.path("")); }));
                         })
                         .c_str());
  }
  state.counters[std::string("direct ") + unit] = units / direct;
  state.counters[std::string("view ") + unit] = units / view;
  state.counters["times as long"] = view / direct;
}

void ReadCold64MiB(benchmark::State& state) {
  compare(state, 64, "MiB/s", [](const std::string& base) {
    const Fd fd(::open((base + "/data").c_str(), O_RDONLY));
    std::vector<char> buffer(std::size_t{1} << 20);
    while (::read(fd.get(), buffer.data(), buffer.size()) > 0) {
    }
  });
}
BENCHMARK(ReadCold64MiB)->Iterations(5)->Unit(benchmark::kMillisecond);

void Write64MiB(benchmark::State& state) {
  compare(state, 64, "MiB/s", [](const std::string& base) {
    const Fd fd(::open((base + "/out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    const std::vector<char> buffer(std::size_t{1} << 20, 'w');
    for (int i = 0; i < 64; ++i)
      if (::write(fd.get(), buffer.data(), buffer.size()) < 0) ::abort();
  });
}
BENCHMARK(Write64MiB)->Iterations(5)->Unit(benchmark::kMillisecond);

void SmallWrites(benchmark::State& state) {
  compare(state, 2000, "writes/s", [](const std::string& base) {
    const Fd fd(::open((base + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
    for (int i = 0; i < 2000; ++i) write_text(fd.get(), "a line of a log\n");
  });
}
BENCHMARK(SmallWrites)->Iterations(5)->Unit(benchmark::kMillisecond);

void CreateAndRemove(benchmark::State& state) {
  compare(state, 500, "files/s", [](const std::string& base) {
    for (int i = 0; i < 500; ++i) {
      const auto path = base + "/new";
      ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
      ::unlink(path.c_str());
    }
  });
}
BENCHMARK(CreateAndRemove)->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llrun::homefs::testing

int main(int argc, char** argv) {
  llrun::homefs::testing::become_ordinary_user();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
