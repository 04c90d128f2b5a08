#include "tracer/stacks/stacks.h"

#include "tracer/stacks/capture.h"

namespace llrun::tracer {
namespace {

RawStack unwound(StackSource& source, const Modules& modules, HostTid tid) {
  const auto registers = source.registers(tid);
  if (!registers) return {{}, registers.error().message()};
  return unwind(modules, *registers);
}

StackFrame named(const Modules& modules, const RawFrame& raw) {
  StackFrame frame;
  frame.pc = raw.pc;
  frame.calls_handler = raw.calls_handler;
  modules.describe(frame, raw.exact ? raw.pc : raw.pc - 1);
  return frame;
}

}  // namespace

Result<Capture> capture_stacks(StackSource& source) {
  LLRUN_TRY_ASSIGN(const auto tids, source.threads());
  LLRUN_TRY_ASSIGN(auto modules, Modules::of(source));
  std::vector<CapturedThread> threads;
  for (const auto tid : tids)
    threads.push_back({tid, source.thread_name(tid), unwound(source, modules, tid)});
  return Capture{std::move(modules), std::move(threads)};
}

std::vector<ThreadStack> named(const Capture& capture) {
  std::vector<ThreadStack> stacks;
  for (const auto& thread : capture.threads) {
    ThreadStack stack{thread.tid, thread.name, {}, thread.stack.incomplete};
    for (const auto& frame : thread.stack.frames)
      stack.frames.push_back(named(capture.modules, frame));
    stacks.push_back(std::move(stack));
  }
  return stacks;
}

Result<std::vector<ThreadStack>> symbolised_stacks(StackSource& source) {
  LLRUN_TRY_ASSIGN(const auto capture, capture_stacks(source));
  return named(capture);
}

}  // namespace llrun::tracer
