#include "tests/capabilities/capability.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace llrun::test {
namespace {

constexpr std::array kNames{
#define CAPABILITY(name, what, where) std::string_view(#name),
#include "tests/capabilities/capabilities.def"
#undef CAPABILITY
};

// "No" is what a probe must be sure of: anything unforeseen would hide a test.
[[noreturn]] void no_answer(Capability capability, int status) {
  std::fprintf(stderr,
               "the probe of %s ended with status or errno %#x, which is neither yes nor no\n",
               std::string(name_of(capability)).c_str(), static_cast<unsigned>(status));
  std::abort();
}

// How a child ends that does this.
int status_of(void (*act)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_DUMPABLE, 0);    // no core file
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would report it
    act();
    ::_exit(99);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

// A kernel without such calls has no gate at interrupt 0x80: a general protection fault, SIGSEGV.
bool has_system_calls_32_bit() {
  const int status = status_of([] {
    long result = 20;  // __NR_getpid of 32-bit programs
    asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    ::_exit(result == ::getpid() ? 0 : 98);
  });
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) return false;
  no_answer(Capability::kSystemCalls32Bit, status);
}

// A type of mapping that is unknown is EINVAL (mm/mmap.c, do_mmap).
bool has_droppable_memory() {
  constexpr int kMapDroppable = 0x08;
  void* const at =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | kMapDroppable, -1, 0);
  if (at == MAP_FAILED && errno != EINVAL) no_answer(Capability::kDroppableMemory, errno);
  if (at == MAP_FAILED) return false;
  ::munmap(at, 4096);
  return true;
}

bool has_denied_execution() {
  constexpr int kGetMdwe = 66;  // PR_GET_MDWE
  if (::prctl(kGetMdwe, 0, 0, 0, 0) >= 0) return true;
  if (errno != EINVAL) no_answer(Capability::kDeniedExecution, errno);
  return false;
}

bool shows_dispatch() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::array<std::uint64_t, 4> configuration{};
  constexpr int kGetDispatch = 0x4211;
  const long got =
      ::syscall(SYS_ptrace, kGetDispatch, child, sizeof configuration, configuration.data());
  const int error = errno;
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  if (got != 0 && error != EIO) no_answer(Capability::kShownDispatch, error);
  return got == 0;
}

bool has_sealed_memory() {
  constexpr long kMseal = 462;
  if (::syscall(kMseal, nullptr, 0, 0) == 0) return true;
  if (errno != ENOSYS) no_answer(Capability::kSealedMemory, errno);
  return false;
}

// Advice that is unknown, or not for this kind of memory, is EINVAL (mm/madvise.c).
bool guards_pages(Capability capability, int kind) {
  constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL
  void* const at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | kind, -1, 0);
  const int error = ::madvise(at, 4096, kGuardInstall) == 0 ? 0 : errno;
  if (at != MAP_FAILED) ::munmap(at, 4096);
  if (error != 0 && error != EINVAL) no_answer(capability, error);
  return error == 0;
}

bool probe(Capability capability) {
  switch (capability) {
    case Capability::kSystemCalls32Bit:
      return has_system_calls_32_bit();
    case Capability::kDroppableMemory:
      return has_droppable_memory();
    case Capability::kDeniedExecution:
      return has_denied_execution();
    case Capability::kShownDispatch:
      return shows_dispatch();
    case Capability::kSealedMemory:
      return has_sealed_memory();
    case Capability::kGuardPages:
      return guards_pages(capability, MAP_PRIVATE);
    case Capability::kGuardPagesOfSharedMemory:
      return guards_pages(capability, MAP_SHARED);
  }
  std::abort();
}

}  // namespace

std::string_view name_of(Capability capability) {
  return kNames[static_cast<std::size_t>(capability)];
}

bool kernel_has(Capability capability) {
  static std::map<Capability, bool> known;
  const auto found = known.find(capability);
  if (found != known.end()) return found->second;
  return known[capability] = probe(capability);
}

std::string left_out_marker(std::string_view test, Capability capability) {
  return "[ LEFT OUT ] " + std::string(test) + ": " + std::string(name_of(capability)) + "\n";
}

bool left_out(Capability capability) {
  if (kernel_has(capability)) return false;
  const auto* const running = ::testing::UnitTest::GetInstance()->current_test_info();
  const auto name = std::string(running->test_suite_name()) + "." + running->name();
  std::fputs(left_out_marker(name, capability).c_str(), stdout);
  std::fflush(stdout);
  return true;
}

}  // namespace llrun::test
