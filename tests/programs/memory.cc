// Every kind of mapping keeps its place, its contents and its protection, and what changes it goes
// on working.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/programs/steps.h"

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPages = 64;
sigjmp_buf back;
volatile sig_atomic_t fault_code;

void fault(int, siginfo_t* info, void*) {
  fault_code = info->si_code;
  ::siglongjmp(back, 1);
}

// The si_code that touching `address` gives; 0: no fault.
int touching(volatile char* address) {
  fault_code = 0;
  if (sigsetjmp(back, 1) == 0) *address = *address;
  return fault_code;
}

char* mapped(int protection, int flags, int fd = -1) {
  void* place = ::mmap(nullptr, kPages * kPage, protection, flags, fd, 0);
  steps::check(place != MAP_FAILED, "mmap failed");
  return static_cast<char*>(place);
}

void fill(char* place, std::uint64_t seed) {
  for (std::size_t at = 0; at < kPages * kPage; at += 8) {
    const std::uint64_t value = steps::mixed(seed + at);
    std::memcpy(place + at, &value, sizeof value);
  }
}

void check_filled(const char* place, std::uint64_t seed, const char* what) {
  for (std::size_t at = 0; at < kPages * kPage; at += 8) {
    const std::uint64_t value = steps::mixed(seed + at);
    if (std::memcmp(place + at, &value, sizeof value) == 0) continue;
    steps::check(false, "%s at offset %zu", what, at);
    return;
  }
}

// A private mapping of this program's own file, of which every other page is then written.
struct FileMapping {
  FileMapping() {
    const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    place = mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
    std::memcpy(original, place, sizeof original);
    ::close(fd);
    for (std::size_t page = 0; page < 8; page += 2) std::memset(place + page * kPage, 0x5a, kPage);
  }
  void check() const {
    for (std::size_t page = 0; page < 8; ++page) {
      const char* now = place + page * kPage;
      const bool holds = page % 2 == 0 ? now[0] == 0x5a && std::memcmp(now, now + 1, kPage - 1) == 0
                                       : std::memcmp(now, original + page * kPage, kPage) == 0;
      steps::check(holds, "page %zu of a privately mapped file", page);
    }
  }
  char* place;
  char original[8 * kPage];
};

void check_protections(char* guarded, char* constant) {
  steps::check(touching(guarded) == SEGV_ACCERR, "a guard area gives code %d",
               static_cast<int>(fault_code));
  steps::check(touching(constant) == SEGV_ACCERR, "read-only memory gives code %d",
               static_cast<int>(fault_code));
  steps::check(touching(reinterpret_cast<char*>(16)) == SEGV_MAPERR, "address 16 gives code %d",
               static_cast<int>(fault_code));
}

void exercise_break(int step) {
  char* old = static_cast<char*>(::sbrk(3 * kPage));
  steps::check(old == static_cast<char*>(::sbrk(0)) - 3 * kPage, "where the break is");
  std::memset(old, step, 3 * kPage);
  steps::check(old[3 * kPage - 1] == static_cast<char>(step), "memory below the break");
}

void exercise_advice(char* scratch, int step) {
  fill(scratch, static_cast<std::uint64_t>(step));
  ::madvise(scratch + kPage, kPage, MADV_DONTNEED);
  steps::check(scratch[kPage] == 0 && scratch[2 * kPage - 1] == 0, "a page given back is not zero");
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  struct sigaction action {};
  action.sa_sigaction = fault;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &action, nullptr);
  char* data = mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  char* constant = mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  char* guarded = mapped(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
  char* scratch = mapped(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  const FileMapping file;
  fill(data, 1);
  fill(constant, 2);
  ::mprotect(constant, kPages * kPage, PROT_READ);
  while (steps::next()) {
    steps::work(4);
    check_filled(data, static_cast<std::uint64_t>(steps::number()), "private memory");
    check_filled(constant, 2, "read-only memory");
    check_protections(guarded, constant);
    file.check();
    exercise_break(steps::number());
    exercise_advice(scratch, steps::number());
    fill(data, static_cast<std::uint64_t>(steps::number()) + 1);
  }
  return steps::finish();
}
