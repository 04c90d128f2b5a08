// Work whose time is compared between a bare run, a run under llrun, and a run as a guest. Prints
// seconds, one measurement a line, so that one process gives several.
//
//   loads compute|calls|spawn|hold ROUNDS [MIB]     hold: prints "ready", then keeps MIB dirty
//   until killed
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

volatile std::uint64_t sink;

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void compute() {
  std::uint64_t value = sink;
  for (int turn = 0; turn < 100'000'000; ++turn)
    value = value * 6364136223846793005 + 1442695040888963407;
  sink = value;
}

void calls() {
  for (int turn = 0; turn < 1'000'000; ++turn) ::syscall(SYS_getppid);
}

void spawn() {
  for (int turn = 0; turn < 1000; ++turn) {
    const pid_t child = ::vfork();
    if (child == 0) {
      ::execl("/bin/true", "true", nullptr);
      ::_exit(127);
    }
    ::waitpid(child, nullptr, 0);
  }
}

[[noreturn]] void hold(std::size_t bytes) {
  std::vector<unsigned char> memory(bytes, 1);
  std::puts("ready");
  for (unsigned char round = 0;; ++round)
    for (std::size_t at = 0; at < bytes; at += 4096) memory[at] = round;
}

// A child reads what its parent has written, in pieces of the size that the kernel copies fastest.
void read_across(std::size_t bytes) {
  constexpr std::size_t kPiece = 1 << 20;
  std::vector<unsigned char> memory(bytes, 1), buffer(kPiece, 1);
  const pid_t parent = ::getpid();
  if (::fork() != 0) {
    ::wait(nullptr);
    return;
  }
  const double start = now();
  for (std::size_t at = 0; at < bytes; at += kPiece) {
    const iovec here{buffer.data(), kPiece}, there{memory.data() + at, kPiece};
    if (::process_vm_readv(parent, &here, 1, &there, 1, 0) != static_cast<ssize_t>(kPiece))
      ::_exit(1);
  }
  std::printf("%.6f\n", now() - start);
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc < 3) return 2;
  const std::size_t bytes = std::strtoul(argc > 3 ? argv[3] : "1", nullptr, 10) << 20;
  if (std::strcmp(argv[1], "hold") == 0) hold(bytes);
  if (std::strcmp(argv[1], "readv") == 0) return read_across(bytes), 0;
  const auto work = std::strcmp(argv[1], "compute") == 0 ? compute
                    : std::strcmp(argv[1], "calls") == 0 ? calls
                                                         : spawn;
  for (int round = 0; round < std::atoi(argv[2]); ++round) {
    const double start = now();
    work();
    std::printf("%.6f\n", now() - start);
  }
  return 0;
}
