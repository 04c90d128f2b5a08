#include "tracer/ptrace/interruption.h"

#include "tracer/arch/x86_64/restart.h"

namespace llrun::tracer {

Result<> undo_interruption(const StoppedThread& thread) {
  LLRUN_TRY_ASSIGN(const auto found, registers(thread));
  const auto registers = without_interruption(found);
  return registers.rax == found.rax ? Result<>{} : set_registers(thread, registers);
}

}  // namespace llrun::tracer
