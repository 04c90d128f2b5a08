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

// The page: LLRUN_STUB_SIZE bytes.
[[nodiscard]] std::span<const std::byte> stub_page();
// The executable: static, one page of code, sleeps in pause(2) until a tracer fills it with a
// program.
[[nodiscard]] std::span<const std::byte> stub_executable();
// The same in a sealed memory file, for fexecve (execveat with AT_EMPTY_PATH).
[[nodiscard]] Result<Fd> stub_executable_file();

}  // namespace llrun::tracer
