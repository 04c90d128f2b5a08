// The stacks of a live process whose threads are all in ptrace stops of the caller.
#pragma once

#include "tracer/stacks/stack_source.h"

namespace llrun::tracer {

class LiveSource final : public StackSource {
 public:
  LiveSource(HostPid pid, std::string root) : pid_(pid), root_(std::move(root)) {}
  Result<std::vector<HostTid>> threads() override;
  std::string thread_name(HostTid tid) override;
  Result<user_regs_struct> registers(HostTid tid) override;
  Result<std::vector<SourceMapping>> mappings() override;
  Result<> read(std::uint64_t address, std::span<std::byte> into) override;
  Result<Fd> open(const std::string& name) override;

 private:
  HostPid pid_;
  std::string root_;
};

}  // namespace llrun::tracer
