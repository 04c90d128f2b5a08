#include "tests/programs/steps.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace steps {
namespace {

int wanted = 20;
const char* until = nullptr;
int current = 0;
std::atomic<int> differences{0};

[[noreturn]] void usage(const char* program) {
  std::fprintf(stderr, "usage: %s [--steps N] [--until FILE]\n", program);
  std::exit(2);
}

bool may_end() { return current >= wanted && (until == nullptr || ::access(until, F_OK) == 0); }

}  // namespace

void begin(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);
  for (int at = 1; at < argc; at += 2) {
    if (at + 1 == argc) usage(argv[0]);
    if (std::strcmp(argv[at], "--steps") == 0) {
      wanted = std::atoi(argv[at + 1]);
    } else if (std::strcmp(argv[at], "--until") == 0) {
      until = argv[at + 1];
    } else {
      usage(argv[0]);
    }
  }
}

bool next() {
  if (may_end()) return false;
  std::printf("step %d\n", ++current);
  return true;
}

int number() { return current; }

void check(bool holds, const char* format, ...) {
  if (holds) return;
  va_list arguments;
  va_start(arguments, format);
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (++differences <= 20) std::printf("DIFFERS in step %d: %s\n", current, text);
}

int finish() {
  if (differences == 0) {
    std::printf("PASS after %d steps\n", current);
    return 0;
  }
  std::printf("FAIL: %d differences\n", differences.load());
  return 1;
}

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::uint64_t work(std::uint64_t seed) {
  for (int round = 0; round < 3000000; ++round) seed = mixed(seed);
  return seed;
}

std::string slurp(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string text;
  char piece[4096];
  for (ssize_t count; (count = ::read(fd, piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(count));
  ::close(fd);
  return text;
}

}  // namespace steps
