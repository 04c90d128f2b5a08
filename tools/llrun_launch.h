// Starting the supervisor of a process so that the process has no trace of it: no child, no
// descriptor, no signal.
#pragma once

#include <cstddef>

#include "tools/llrun_options.h"

namespace llrun::launcher {

struct Job {
  int pid = 0;            // the process to care for
  bool launched = false;  // it is this one, about to exec; else it runs already
  int verbose_fd = -1;    // where the supervisor may talk; -1: nowhere
};

struct Started {
  bool yes = false;  // the supervisor's own failures go to the log, and to verbose_fd
  int other = -1;    // a process that is the supervisor of `job` already; 0: it is not known which
};
[[nodiscard]] Started start_supervisor(const Options& options, const Job& job);

// `llrun -p`: the exit status.
[[nodiscard]] int attach(const Options& options);

// As supervisor/config/paths.h has it; made if it is not there. False: there is no telling.
[[nodiscard]] bool state_directory(char* path, std::size_t size);

// One line for `llrunctl log`, by a process that may use nothing but system calls.
void log_line(const char* text, int pid, int errno_value);

}  // namespace llrun::launcher
