// Stacks of all threads of a program, with names and lines: for `llrunctl stack`.
//
// libunwind walks the frames, libdw names them. Plain structs, ready for JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "tracer/stacks/stack_source.h"

namespace llrun::tracer {

class Sleeps;

struct StackFrame {
  std::uint64_t pc = 0;
  std::string symbol;        // demangled; empty: unknown
  std::uint64_t offset = 0;  // bytes from the symbol's start
  std::string module;        // path as the program sees it; "[vdso]"; empty: generated code
  std::string build_id;      // lower-case hexadecimal, empty if it has none
  bool calls_handler =
      false;         // not code of the program's: where the kernel called a signal handler
  std::string file;  // source file, empty without debug information
  int line = 0;      // 0: unknown
};

struct ThreadStack {
  HostTid tid;
  std::string name;
  std::vector<StackFrame> frames;  // innermost first
  std::string incomplete;          // why there are no more frames, in words; empty: all are there
};

// The stacks of any source. A thread that cannot be read has no frames and says why; only when
// nothing at all can be read is there an error.
[[nodiscard]] Result<std::vector<ThreadStack>> symbolised_stacks(StackSource& source);

struct LiveStackOptions {
  // The caller traces the process and all its threads are stopped: they are only read. Otherwise
  // they are seized, stopped, walked and let go within some milliseconds, and do not notice: a call
  // like epoll_wait, which a stop ends with EINTR, is made again.
  bool already_stopped = false;
  // What the program's paths are relative to here. Empty: the root of the process itself
  // (/proc/PID/root); give home's for a guest, whose own root must not be touched by its
  // supervisor.
  std::string root;
  // What is known of the threads' sleeps (tracer/objects/sleeps.h), for whoever stops the program
  // more often.
  Sleeps* sleeps = nullptr;
};

// The stacks of a live process. kGone: there is none. EPERM: it belongs to somebody else or has a
// debugger.
[[nodiscard]] Result<std::vector<ThreadStack>> symbolised_stacks(
    HostPid pid, const LiveStackOptions& options = {});

}  // namespace llrun::tracer
