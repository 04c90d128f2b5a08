#include "tracer/calls/call_table.h"

namespace llrun {

std::string_view name_of(CallClass where) {
  switch (where) {
    case CallClass::kNative:
      return "native";
    case CallClass::kThread:
      return "thread";
    case CallClass::kTraced:
      return "traced";
    case CallClass::kHome:
      return "home";
    case CallClass::kBringsHome:
      return "brings home";
    case CallClass::kConditional:
      return "conditional";
  }
  return "?";
}

std::string_view name_of(Decision decision) {
  switch (decision) {
    case Decision::kNone:
      return "";
    case Decision::kIoctlRequest:
      return "request";
    case Decision::kFcntlCommand:
      return "command";
    case Decision::kPrctlOption:
      return "option";
    case Decision::kArchPrctlCode:
      return "code";
    case Decision::kMapFlags:
      return "flags";
    case Decision::kAdvice:
      return "advice";
    case Decision::kPipeFlags:
      return "flags";
    case Decision::kCloseRangeFlags:
      return "flags";
    case Decision::kLockFlags:
      return "flags";
    case Decision::kMembarrierCommand:
      return "command";
    case Decision::kPersonality:
      return "persona";
    case Decision::kProtectionKey:
      return "key";
    case Decision::kNodeType:
      return "node type";
    case Decision::kClockId:
      return "clock";
    case Decision::kTarget:
      return "process";
    case Decision::kLimit:
      return "resource";
    case Decision::kCpuTime:
      return "clock";
    case Decision::kSignalTarget:
      return "target";
    case Decision::kFileType:
      return "file type";
    case Decision::kWatched:
      return "file type";
    case Decision::kEnding:
      return "thread";
    case Decision::kCloneFlags:
      return "flags";
    case Decision::kPathChange:
    case Decision::kPathMove:
      return "path";
  }
  return "?";
}

std::string_view name_of(Maker maker) {
  switch (maker) {
    case Maker::kGuest:
      return "";
    case Maker::kInjection:
      return "injected";
    case Maker::kNobody:
      return "never";
  }
  return "?";
}

std::string_view name_of(ArgKind kind) {
  switch (kind) {
    case ArgKind::kNone:
      return "";
    case ArgKind::kInt:
      return "int";
    case ArgKind::kFlags:
      return "flags";
    case ArgKind::kFd:
      return "fd";
    case ArgKind::kDirFd:
      return "dirfd";
    case ArgKind::kPath:
      return "path";
    case ArgKind::kString:
      return "string";
    case ArgKind::kAddress:
      return "address";
    case ArgKind::kLength:
      return "length";
    case ArgKind::kInBuffer:
      return "in-buffer";
    case ArgKind::kOutBuffer:
      return "out-buffer";
    case ArgKind::kInVector:
      return "in-iovec";
    case ArgKind::kOutVector:
      return "out-iovec";
    case ArgKind::kInStruct:
      return "in-struct";
    case ArgKind::kOutStruct:
      return "out-struct";
    case ArgKind::kInOutStruct:
      return "in-out-struct";
    case ArgKind::kPid:
      return "pid";
    case ArgKind::kSignal:
      return "signal";
    case ArgKind::kMode:
      return "mode";
    case ArgKind::kOffset:
      return "offset";
  }
  return "?";
}

}  // namespace llrun
