// Where the stacks of a program are read from: a live process, a guest through its supervisor, an
// image. The unwinder (unwinder.h) knows only this.
#pragma once

#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

// A mapping of the program's memory, in rising order of addresses.
struct SourceMapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // in the file
  bool writable = false;
  std::string name;  // path as the program sees it, "[vdso]", or empty
};

class StackSource {
 public:
  virtual ~StackSource() = default;

  // All threads, the main thread first. None of them may run while it is unwound.
  [[nodiscard]] virtual Result<std::vector<HostTid>> threads() = 0;
  [[nodiscard]] virtual std::string thread_name(HostTid tid) = 0;  // empty if nobody knows
  [[nodiscard]] virtual Result<user_regs_struct> registers(HostTid tid) = 0;
  [[nodiscard]] virtual Result<std::vector<SourceMapping>> mappings() = 0;
  // All of `into` or an error.
  [[nodiscard]] virtual Result<> read(std::uint64_t address, std::span<std::byte> into) = 0;
  // The file that a mapping's name means, opened where it is near. An error costs symbols only.
  [[nodiscard]] virtual Result<Fd> open(const std::string& name) = 0;
};

}  // namespace llrun::tracer
