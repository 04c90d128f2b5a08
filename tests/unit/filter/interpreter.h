// Runs classic BPF programs as the kernel runs a seccomp filter, and notes what they looked at.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <span>

namespace llrun {

struct BpfOutcome {
  bool valid =
      false;  // false: an instruction that filters do not use, or a jump out of the program
  std::uint32_t action = 0;
  bool looked_at_arguments = false;
  bool looked_at_instruction_pointer = false;
};

[[nodiscard]] BpfOutcome run_bpf(std::span<const sock_filter> program, const seccomp_data& data);

}  // namespace llrun
