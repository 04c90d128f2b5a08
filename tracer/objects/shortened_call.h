// A call that is begun again for what is left of its time, in a stopped thread that goes on.
//
// Where the kernel keeps no restart block, the call is made anew, and its timeout must be less than
// the program asked for. One in a register is put there. One in memory is lent: what is left stands
// in its place while the thread enters the call, which reads it once, and is taken back when the
// thread sleeps. The program finds its memory, and the register that points there, as they were.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "tracer/arch/x86_64/restart.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/remote/remote_memory.h"

namespace llrun::tracer {

// What a timeout says, ns; nothing if it cannot be read, or the kernel would not take it.
[[nodiscard]] std::optional<std::uint64_t> requested_time(HostPid pid,
                                                          const TimeoutArgument& argument,
                                                          const Registers& registers);
[[nodiscard]] std::uint64_t in_milliseconds(std::uint64_t nanoseconds);  // never less

// Time lent to a timeout in the program's memory.
class LentTime {
 public:
  [[nodiscard]] static Result<LentTime> lend(HostPid pid, const TimeoutArgument& argument,
                                             const Registers& registers, std::uint64_t left);
  // Put the program's own there again, unless it has written something else by now.
  [[nodiscard]] Result<> take_back() const;

 private:
  struct Words {  // timespec and timeval alike
    std::int64_t seconds = 0;
    std::int64_t rest = 0;
    friend bool operator==(const Words&, const Words&) = default;
  };
  LentTime(HostPid pid, RemoteAddr at, Words own, Words lent)
      : pid_(pid), at_(at), own_(own), lent_(lent) {}
  HostPid pid_;
  RemoteAddr at_;
  Words own_;
  Words lent_;
};

// How a thread that goes on with `number` is found a little later.
enum class Found : std::uint8_t {
  kAsleep,     // in the call
  kStopped,    // it stands still before the call: a filter hands it to its tracer
  kElsewhere,  // the call has ended, or the thread
};
[[nodiscard]] Found wait_until_asleep(HostPid pid, HostTid tid, std::uint64_t number);

}  // namespace llrun::tracer
