#include "tracer/stacks/unwinder.h"

#include <libunwind-x86_64.h>

#include <array>
#include <memory>

// Exported by libunwind for those who find the tables themselves, as perf(1) does; declared in no
// public header.
extern "C" int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip,
                                                  unw_dyn_info_t* info, unw_proc_info_t* found,
                                                  int need_unwind_info, void* argument);

namespace llrun::tracer {
namespace {

struct Thread {
  const Modules& modules;
  const user_regs_struct& registers;
};

Thread& thread_of(void* argument) { return *static_cast<Thread*>(argument); }

int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t* found,
                   int need_unwind_info, void* argument) {
  const auto& modules = thread_of(argument).modules;
  const Module* module = modules.at(ip);
  const auto table = module != nullptr ? modules.unwind_table(*module) : std::nullopt;
  if (!table) return -UNW_ENOINFO;
  constexpr std::uint64_t kEntrySize = 8;  // two signed 32-bit numbers; one word for libunwind
  unw_dyn_info_t info{};
  info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
  info.start_ip = module->start;
  info.end_ip = module->end;
  info.u.rti.segbase = table->header;
  info.u.rti.table_data = table->entries;
  info.u.rti.table_len = table->count * kEntrySize / sizeof(unw_word_t);
  return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &info, found, need_unwind_info, argument);
}

void put_unwind_info(unw_addr_space_t, unw_proc_info_t*, void*) {}

int no_dynamic_info(unw_addr_space_t, unw_word_t*, void*) { return -UNW_ENOINFO; }

int access_memory(unw_addr_space_t, unw_word_t address, unw_word_t* value, int write,
                  void* argument) {
  if (write != 0) return -UNW_EREADONLYREG;
  const auto bytes = std::as_writable_bytes(std::span(value, 1));
  return thread_of(argument).modules.read(address, bytes) ? UNW_ESUCCESS : -UNW_EINVAL;
}

int access_register(unw_addr_space_t, unw_regnum_t number, unw_word_t* value, int write,
                    void* argument) {
  using Register = unsigned long long user_regs_struct::*;
  using Registers = user_regs_struct;
  static constexpr std::array<Register, 17> kRegisters = {
      // in DWARF's order
      &Registers::rax, &Registers::rdx, &Registers::rcx, &Registers::rbx, &Registers::rsi,
      &Registers::rdi, &Registers::rbp, &Registers::rsp, &Registers::r8,  &Registers::r9,
      &Registers::r10, &Registers::r11, &Registers::r12, &Registers::r13, &Registers::r14,
      &Registers::r15, &Registers::rip};
  if (write != 0) return -UNW_EREADONLYREG;
  if (number < 0 || static_cast<std::size_t>(number) >= kRegisters.size()) return -UNW_EBADREG;
  *value = thread_of(argument).registers.*kRegisters[static_cast<std::size_t>(number)];
  return UNW_ESUCCESS;
}

int no_fp_register(unw_addr_space_t, unw_regnum_t, unw_fpreg_t*, int, void*) {
  return -UNW_EBADREG;
}

int no_resume(unw_addr_space_t, unw_cursor_t*, void*) { return -UNW_EINVAL; }

int no_proc_name(unw_addr_space_t, unw_word_t, char*, std::size_t, unw_word_t*, void*) {
  return -UNW_ENOINFO;
}

struct SpaceEnd {
  void operator()(unw_addr_space_t space) const { unw_destroy_addr_space(space); }
};
using Space = std::unique_ptr<std::remove_pointer_t<unw_addr_space_t>, SpaceEnd>;

Space make_space() {
  static unw_accessors_t accessors{
      .find_proc_info = find_proc_info,
      .put_unwind_info = put_unwind_info,
      .get_dyn_info_list_addr = no_dynamic_info,
      .access_mem = access_memory,
      .access_reg = access_register,
      .access_fpreg = no_fp_register,
      .resume = no_resume,
      .get_proc_name = no_proc_name,
  };
  return Space(unw_create_addr_space(&accessors, 0));
}

// A handler returns to the two instructions that call rt_sigreturn; gdb and libgcc know them by
// these bytes, too. (libunwind's own unw_is_signal_frame says no in a remote address space: 1.6.2.)
bool returns_from_signal(const Modules& modules, std::uint64_t pc) {
  constexpr std::array<std::uint8_t, 9> kCode = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0,  // mov $15, %rax
                                                 0x0f, 0x05};                      // syscall
  std::array<std::uint8_t, kCode.size()> found{};
  return modules.read(pc, std::as_writable_bytes(std::span(found))) && found == kCode;
}

// unw_step() gives 1, 0 at the outermost frame, or a negative error.
void walk(unw_cursor_t& cursor, const Modules& modules, RawStack& stack) {
  bool exact = true;
  int more = 1;
  while (more > 0 && stack.frames.size() < kMostFrames) {
    unw_word_t pc = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &pc) < 0 || pc == 0) return;
    const bool calls_handler = returns_from_signal(modules, pc);
    stack.frames.push_back({pc, exact || calls_handler, calls_handler});
    exact = calls_handler;  // what was interrupted made no call
    more = unw_step(&cursor);
  }
  if (more < 0) stack.incomplete = unw_strerror(more);
  if (more > 0) stack.incomplete = "deeper than " + std::to_string(kMostFrames) + " frames";
}

}  // namespace

RawStack unwind(const Modules& modules, const user_regs_struct& registers) {
  RawStack stack;
  Thread thread{modules, registers};
  const Space space = make_space();
  unw_cursor_t cursor;
  const int begun = space ? unw_init_remote(&cursor, space.get(), &thread) : -UNW_ENOMEM;
  if (begun < 0)
    stack.incomplete = unw_strerror(begun);
  else
    walk(cursor, modules, stack);
  return stack;
}

}  // namespace llrun::tracer
