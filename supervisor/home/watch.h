// Watch: what a program shows of itself while it runs at home, and whether it may leave.
//
// Once a second, from outside: it is never attached or stopped for this.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "supervisor/home/level_list.h"
#include "supervisor/home/options.h"
#include "supervisor/protocol/control.pb.h"
#include "tracer/objects/measures.h"
#include "tracer/objects/pins.h"

namespace llrun {

// All that pins a process, its memory included. Of one whose main thread has ended the memory
// cannot be seen: that it has ended is the pin then.
[[nodiscard]] Result<tracer::Pins> find_pins(HostPid pid, const std::vector<HostPid>& job);

class Watch {
 public:
  explicit Watch(HostPid pid) : pid_(pid) {}

  // Measure once more. kGone: the program has ended.
  [[nodiscard]] Result<> sample();
  // Look for pins; costs a few milliseconds.
  [[nodiscard]] Result<> look_for_pins(const std::vector<HostPid>& job);

  [[nodiscard]] std::chrono::milliseconds age() const;
  [[nodiscard]] double cpu_rate() const;      // cores, over the last seconds
  [[nodiscard]] double file_io_rate() const;  // MiB/s, over the last seconds
  [[nodiscard]] const tracer::Pins& pins() const { return pins_; }
  [[nodiscard]] const std::string& command() const { return command_; }
  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] const std::string& executable() const { return executable_; }
  [[nodiscard]] ProgramNames names() const { return {program_, name_, executable_}; }
  [[nodiscard]] std::uint64_t resident_bytes() const {
    return samples_.empty() ? 0 : samples_.back().resident_bytes;
  }

  // Why it may not go now although nothing pins it: too young, too much I/O. None: it may.
  [[nodiscard]] std::optional<std::string> not_yet(const HomeOptions& options) const;
  // The same for a program that is placed at its start: its age does not matter.
  [[nodiscard]] std::optional<std::string> too_busy(const HomeOptions& options) const;
  // That only its age keeps it, and that was not asked for.
  [[nodiscard]] bool is_only_young(const HomeOptions& options) const;
  void describe(protocol::ProcessReport& report) const;
  // Forget what was measured before a move: rates would mix two nodes.
  void start_anew() { samples_.clear(); }

 private:
  void read_names();

  HostPid pid_;
  std::deque<tracer::Measures> samples_;  // the last few seconds
  tracer::Pins pins_;
  std::string command_, program_, name_, executable_;
};

}  // namespace llrun
