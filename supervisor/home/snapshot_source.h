// SnapshotSource: the stacks of a guest, from what its supervisor has sent, unwound at home where
// its files are.
#pragma once

#include "supervisor/protocol/job.pb.h"
#include "tracer/stacks/stack_source.h"

namespace llrun {

class SnapshotSource : public tracer::StackSource {
 public:
  explicit SnapshotSource(const protocol::StackTrace& snapshot) : snapshot_(snapshot) {}

  Result<std::vector<HostTid>> threads() override;
  std::string thread_name(HostTid tid) override;
  Result<user_regs_struct> registers(HostTid tid) override;
  Result<std::vector<tracer::SourceMapping>> mappings() override;
  Result<> read(std::uint64_t address, std::span<std::byte> into) override;
  Result<Fd> open(const std::string& name) override;

 private:
  [[nodiscard]] const protocol::StackTrace::Thread* find(HostTid tid) const;
  [[nodiscard]] static Result<> read_from_vdso(std::uint64_t at,
                                               const protocol::StackTrace::Mapping& mapping,
                                               std::span<std::byte> into);
  [[nodiscard]] Result<> read_from_file(std::uint64_t address, std::span<std::byte> into);
  const protocol::StackTrace& snapshot_;
};

}  // namespace llrun
