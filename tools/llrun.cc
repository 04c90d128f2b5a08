// llrun: run a program as if nothing had been typed before it, with a supervisor beside it.
//
// The program is this very process: it execs. The supervisor is nobody's child and is not attached.
// Whatever goes wrong with the supervisor, the program runs.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tools/llrun_launch.h"
#include "tools/llrun_options.h"

namespace llrun::launcher {
namespace {

int run(const Options& options) {
  const Job job{::getpid(), true, options.verbose ? STDERR_FILENO : -1};
  const Started started = start_supervisor(options, job);
  const int problem = errno;
  if (started.other >= 0) {  // this very process was a program under llrun before
    if (options.verbose)
      std::fprintf(stderr,
                   "llrun: it has a supervisor already: the options of this llrun do not "
                   "count\n");
  } else if (!started.yes) {
    if (options.verbose)
      std::fprintf(stderr,
                   "llrun: no supervisor could be started; the program runs on here, unwatched\n");
    log_line("no supervisor could be started; the program runs on here, unwatched", job.pid,
             problem);
  }
  ::execvp(options.program[0], options.program);
  const int why_not = errno;
  std::fprintf(stderr, "llrun: cannot run '%s': %s\n", options.program[0], std::strerror(why_not));
  return why_not == ENOENT ? kNotFound : kCannotExecute;
}

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  switch (options.action) {
    case Action::kRun:
      return run(options);
    case Action::kAttach:
      return attach(options);
    case Action::kHelp:
      return print_help(), 0;
    case Action::kVersion:
      return std::puts("llrun " LLRUN_VERSION), 0;
    case Action::kWrong:
      break;
  }
  return kOwnFailure;
}

}  // namespace
}  // namespace llrun::launcher

int main(int argc, char** argv) { return llrun::launcher::main(argc, argv); }
