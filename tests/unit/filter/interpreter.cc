#include "interpreter.h"

#include <cstddef>
#include <cstring>

namespace llrun {
namespace {

struct Machine {
  std::uint32_t accumulator = 0;
  std::size_t next = 0;
  BpfOutcome outcome;
};

bool load(Machine& machine, std::uint32_t offset, const seccomp_data& data) {
  if (offset % 4 != 0 || offset + 4 > sizeof(data)) return false;
  std::memcpy(&machine.accumulator, reinterpret_cast<const char*>(&data) + offset, 4);
  if (offset >= offsetof(seccomp_data, args))
    machine.outcome.looked_at_arguments = true;
  else if (offset >= offsetof(seccomp_data, instruction_pointer))
    machine.outcome.looked_at_instruction_pointer = true;
  return true;
}

bool test(std::uint32_t operation, std::uint32_t a, std::uint32_t k) {
  switch (operation) {
    case BPF_JEQ:
      return a == k;
    case BPF_JGT:
      return a > k;
    case BPF_JGE:
      return a >= k;
    default:
      return (a & k) != 0;  // BPF_JSET
  }
}

// False when the program has ended, well or badly.
bool step(Machine& machine, const sock_filter& op, const seccomp_data& data) {
  ++machine.next;
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return load(machine, op.k, data);
    case BPF_ALU | BPF_AND | BPF_K:
      machine.accumulator &= op.k;
      return true;
    case BPF_JMP | BPF_JA:
      machine.next += op.k;
      return true;
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_K:
      machine.next += test(BPF_OP(op.code), machine.accumulator, op.k) ? op.jt : op.jf;
      return true;
    case BPF_RET | BPF_K:
      machine.outcome.action = op.k;
      machine.outcome.valid = true;
      return false;
    default:
      return false;
  }
}

}  // namespace

BpfOutcome run_bpf(std::span<const sock_filter> program, const seccomp_data& data) {
  Machine machine;
  while (machine.next < program.size() && step(machine, program[machine.next], data)) {
  }
  return machine.outcome;
}

}  // namespace llrun
