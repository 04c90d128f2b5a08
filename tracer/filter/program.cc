#include "tracer/filter/program.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <utility>

namespace llrun {
namespace {

constexpr std::size_t kIpLow = offsetof(seccomp_data, instruction_pointer);  // little-endian
constexpr std::size_t kIpHigh = kIpLow + 4;
constexpr std::uint64_t kSyscallInstruction =
    2;  // bytes of `syscall`; the filter sees the address after it

sock_filter statement(unsigned code, std::uint64_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, static_cast<std::uint32_t>(k)};
}

sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, offset); }

sock_filter give(std::uint32_t action) { return statement(BPF_RET | BPF_K, action); }

sock_filter branch(unsigned test, std::uint64_t k, std::uint8_t if_true, std::uint8_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), if_true, if_false,
          static_cast<std::uint32_t>(k)};
}

bool gives(const sock_filter& instruction, std::uint32_t action) {
  return instruction.code == (BPF_RET | BPF_K) && instruction.k == action;
}

// Gives kInjectedCall to what the stub injects, `action` to all else.
BpfProgram unless_injected(const StubCode& stub, const std::vector<std::uint32_t>& injected,
                           std::uint32_t action) {
  const std::uint64_t first = stub.start + kSyscallInstruction;
  BpfProgram program{load(kIpHigh),
                     branch(BPF_JEQ, first >> 32, 1, 0),
                     give(action),
                     load(kIpLow),
                     branch(BPF_JGE, first, 1, 0),
                     give(action),
                     branch(BPF_JGT, stub.end, 0, 1),
                     give(action),
                     load(offsetof(seccomp_data, arch)),
                     branch(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
                     give(action),
                     load(offsetof(seccomp_data, nr))};
  for (std::size_t i = 0; i < injected.size(); ++i)
    program.push_back(
        branch(BPF_JEQ, injected[i], static_cast<std::uint8_t>(injected.size() - i), 0));
  program.push_back(give(action));
  program.push_back(give(SECCOMP_RET_TRACE | kInjectedCall));
  return program;
}

// Let every return of `action` in [0, end) jump to `target` instead.
void redirect(BpfProgram& program, std::size_t end, std::uint32_t action, std::size_t target) {
  for (std::size_t i = 0; i < end; ++i)
    if (gives(program[i], action)) program[i] = statement(BPF_JMP | BPF_JA, target - i - 1);
}

void append(BpfProgram& program, const BpfProgram& more) {
  program.insert(program.end(), more.begin(), more.end());
}

}  // namespace

BpfProgram chain(BpfProgram first, BpfProgram second) {
  BpfProgram program = std::move(first);
  redirect(program, program.size(), SECCOMP_RET_ALLOW, program.size());
  append(program, second);
  return program;
}

void append_stub_rule(BpfProgram& program, const StubCode& stub,
                      const std::vector<std::uint32_t>& injected) {
  const std::size_t body = program.size();
  for (const std::uint32_t action : {SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE}) {
    redirect(program, body, action, program.size());
    append(program, unless_injected(stub, injected, action));
  }
}

}  // namespace llrun
