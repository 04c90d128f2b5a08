// The call table: where each system call of a guest is executed, and why.
//
// The rows are syscalls.def. The guest's filter, the supervisor and docs/calls.md all read this one
// table.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace llrun {

enum class CallClass : std::uint8_t {
  kNative,  // by the guest, at full speed
  kThread,  // the clone family: a trace stop, since ids come from home and registers are rewritten
  kTraced,  // by the guest, but its result may have to be put right: a trace stop before and after
  kHome,    // by the shadow; what cannot be described to it brings the program home
  kBringsHome,   // by the program, once it has been brought home
  kConditional,  // natively if its arguments say so (conditions.h), else as the decision says
};

// What is looked at to decide a conditional call.
enum class Decision : std::uint8_t {
  kNone,
  kIoctlRequest,
  kFcntlCommand,
  kPrctlOption,
  kArchPrctlCode,
  kMapFlags,
  kAdvice,
  kPipeFlags,
  kCloseRangeFlags,
  kLockFlags,
  kMembarrierCommand,
  kPersonality,
  kProtectionKey,
  kNodeType,
  kClockId,
  kTarget,        // a process id: the program itself, or another
  kLimit,         // which resource is limited
  kCpuTime,       // a clock or counter of CPU time, of which home has a part
  kSignalTarget,  // whom the signal is for
  kFileType,      // what kind of file is opened
  kWatched,       // what kind of file epoll is to watch
  kEnding,        // whether it is the first thread that ends, and others go on
  kCloneFlags,    // a thread, or a new process
  kPathChange,    // what file is changed, where home's files are not all to be changed (KeptFiles)
  kPathMove,      // which file gets another name, or other contents, where not all are given out
};

// Who may have a call executed on a peer (docs/world.md, "What binds a guest").
enum class Maker : std::uint8_t {
  kGuest,      // the guest itself, as the class says; injections only what the guest may make, too
  kInjection,  // besides, its supervisor by injecting it, whatever the class says
  kNobody,     // nobody, ever: it reaches the peer's kernel past the world. So it is done at home
};

// What an argument is: enough to print a call and to know which memory it reads or writes.
enum class ArgKind : std::uint8_t {
  kNone,
  kInt,
  kFlags,
  kFd,
  kDirFd,    // a descriptor, or AT_FDCWD
  kPath,     // a NUL-terminated file name
  kString,   // NUL-terminated text of another kind
  kAddress,  // an address, or a word whose meaning depends on another argument
  kLength,   // bytes or entries of the argument before it
  kInBuffer,
  kOutBuffer,
  kInVector,  // iovec of buffers that are read
  kOutVector,
  kInStruct,
  kOutStruct,
  kInOutStruct,
  kPid,
  kSignal,
  kMode,
  kOffset,
};

struct CallRow {
  std::uint32_t number = 0;
  std::string_view name;  // the kernel's
  CallClass where = CallClass::kBringsHome;
  Decision decision = Decision::kNone;
  Maker maker = Maker::kGuest;
  std::string_view why;
  std::array<ArgKind, 6> args{};
};

// All rows, in rising order of their numbers.
[[nodiscard]] std::span<const CallRow> call_table();

// The row of a call, or null: a call newer than this program, which brings the program home.
[[nodiscard]] const CallRow* find_call(std::uint64_t number);
[[nodiscard]] const CallRow* find_call(std::string_view name);

// Words for people and documents: "brings home", "FcntlCommand", "fd".
[[nodiscard]] std::string_view name_of(CallClass where);
[[nodiscard]] std::string_view name_of(Decision decision);
[[nodiscard]] std::string_view name_of(Maker maker);
[[nodiscard]] std::string_view name_of(ArgKind kind);

}  // namespace llrun
