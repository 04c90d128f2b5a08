// Work whose time is compared between a bare run, a run under llrun, and a run as a guest.
//
//   bench_loads compute|calls|spawn     does it once for each line that it reads, and prints wall
//                                       and CPU seconds: so that several can be run turn about
//   bench_loads hold MIB                prints "ready", then keeps MIB of memory dirty until killed
//   bench_loads readv MIB               the same bytes from another process, by process_vm_readv
//   bench_loads swallow MIB             reads that much from stdin, then prints "done"
//   bench_loads idle                    prints "ready" and sleeps until killed
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

volatile std::uint64_t sink;

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// Own CPU time and that of children that have ended.
double cpu() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    sum += seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  return sum;
}

void compute() {
  std::uint64_t value = sink;
  for (int turn = 0; turn < 50'000'000; ++turn)
    value = value * 6364136223846793005 + 1442695040888963407;
  sink = value;
}

void calls() {
  for (int turn = 0; turn < 500'000; ++turn) ::syscall(SYS_getppid);
}

void spawn_once() {
  const pid_t child = ::vfork();
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
  }
  ::waitpid(child, nullptr, 0);
}

void spawn() {
  for (int turn = 0; turn < 1000; ++turn) spawn_once();
}

int on_demand(void (*work)()) {
  for (int byte = 0; (byte = std::getchar()) != EOF;) {
    if (byte != '\n') continue;
    const double cpu_before = cpu();
    const double start = now();
    work();
    const double wall = now() - start;
    std::printf("%.6f %.6f\n", wall, cpu() - cpu_before);
  }
  return 0;
}

[[noreturn]] void hold(std::size_t bytes) {
  std::vector<unsigned char> memory(bytes, 1);
  std::puts("ready");
  for (unsigned char round = 0;; ++round)
    for (std::size_t at = 0; at < bytes; at += 4096) memory[at] = round;
}

// A child reads what its parent has written, in pieces of the size that the kernel copies fastest.
int read_across(std::size_t bytes) {
  constexpr std::size_t kPiece = 1 << 20;
  std::vector<unsigned char> memory(bytes, 1), buffer(kPiece, 1);
  const pid_t parent = ::getpid();
  if (::fork() != 0) {
    int status = 0;
    ::wait(&status);
    return status == 0 ? 0 : 1;
  }
  const double start = now();
  for (std::size_t at = 0; at < bytes; at += kPiece) {
    const iovec here{buffer.data(), kPiece}, there{memory.data() + at, kPiece};
    if (::process_vm_readv(parent, &here, 1, &there, 1, 0) != static_cast<ssize_t>(kPiece))
      ::_exit(1);
  }
  std::printf("%.6f\n", now() - start);
  std::fflush(stdout);
  ::_exit(0);
}

int swallow(std::size_t bytes) {
  std::vector<unsigned char> buffer(1 << 20, 1);
  std::puts("ready");
  while (bytes > 0) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) return 1;
    bytes -= std::min(bytes, static_cast<std::size_t>(got));
  }
  std::puts("done");
  return 0;
}

[[noreturn]] void idle() {
  std::puts("ready");
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string_view what = argc > 1 ? argv[1] : "";
  const std::size_t bytes = std::strtoul(argc > 2 ? argv[2] : "1", nullptr, 10) << 20;
  if (what == "compute") return on_demand(compute);
  if (what == "calls") return on_demand(calls);
  if (what == "spawn") return on_demand(spawn);
  if (what == "hold") hold(bytes);
  if (what == "readv") return read_across(bytes);
  if (what == "swallow") return swallow(bytes);
  if (what == "idle") idle();
  return 2;
}
