// Probes of what a kernel may lack, and what is said where it does.
#include "tests/capabilities/capability.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/unit/capabilities/tiny_32_bit_program.h"

namespace llrun::test {
namespace {

// tests/unit/capabilities/verdict_test.py expects the same.
TEST(Capability, TheMarkerIsTheOneThatTheVerdictReads) {
  EXPECT_EQ(left_out_marker("Suite.Case", Capability::kSystemCalls32Bit),
            "[ LEFT OUT ] Suite.Case: SystemCalls32Bit\n");
}

// What the program that is executed from `fd` writes; or the errno of the exec.
std::string run(int fd) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], 1);
    char* const arguments[] = {const_cast<char*>("tiny"), nullptr};
    ::fexecve(fd, arguments, arguments + 1);
    ::_exit(errno);
  }
  ::close(ends[1]);
  char byte = 0;
  const bool written = ::read(ends[0], &byte, 1) == 1;
  ::close(ends[0]);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return written ? std::string(1, byte) : "exit " + std::to_string(WEXITSTATUS(status));
}

// What the probe says by a call, the loader of programs says, too: one could hide what the other
// would show.
TEST(Capability, ThirtyTwoBitProgramsStartExactlyWhereTheirCallsAreServed) {
  const std::string program = tiny_32_bit_program();
  const int fd = ::memfd_create("tiny", MFD_CLOEXEC);
  ASSERT_EQ(::write(fd, program.data(), program.size()), static_cast<ssize_t>(program.size()));
  EXPECT_EQ(run(fd),
            kernel_has(Capability::kSystemCalls32Bit) ? "." : "exit " + std::to_string(ENOEXEC));
  ::close(fd);
}

}  // namespace
}  // namespace llrun::test
