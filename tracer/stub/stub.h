// The stub's code, to be mapped into other processes, and its executable, to make empty ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "tracer/stub/abi.h"

namespace llrun::tracer {

// One injected call of a batch, as the stub reads it.
struct StubCall {
  std::uint64_t number = 0;
  std::uint64_t arguments[6] = {};
  std::uint64_t result = 0;
};
static_assert(sizeof(StubCall) == LLRUN_STUB_CALL_SIZE);
static_assert(offsetof(StubCall, arguments) == LLRUN_STUB_CALL_ARGUMENTS);
static_assert(offsetof(StubCall, result) == LLRUN_STUB_CALL_RESULT);

// What the returning code gives a thread back, as it reads it.
struct StubFrame {
  std::uint64_t rax = 0, rbx = 0, rcx = 0, rdx = 0, rsi = 0, rdi = 0, rbp = 0;
  std::uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  std::uint64_t rip = 0, mask = 0;
};
static_assert(sizeof(StubFrame) == LLRUN_STUB_FRAME_SIZE);
static_assert(offsetof(StubFrame, r8) == LLRUN_STUB_FRAME_R8);
static_assert(offsetof(StubFrame, rip) == LLRUN_STUB_FRAME_RIP);
static_assert(offsetof(StubFrame, mask) == LLRUN_STUB_FRAME_MASK);

// The page: LLRUN_STUB_SIZE bytes.
[[nodiscard]] std::span<const std::byte> stub_page();
// The part of it that gives a thread back by itself, to be copied elsewhere; its `syscall` comes
// first.
[[nodiscard]] std::span<const std::byte> returning_code();
// The executable: static, one page of code, sleeps in pause(2) until a tracer fills it with a
// program.
[[nodiscard]] std::span<const std::byte> stub_executable();
// The same in a sealed memory file, for fexecve (execveat with AT_EMPTY_PATH).
[[nodiscard]] Result<Fd> stub_executable_file();

}  // namespace llrun::tracer
