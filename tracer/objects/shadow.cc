#include "tracer/objects/shadow.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>
#include <tuple>

#include "tracer/objects/clearing.h"
#include "tracer/objects/posix_timers.h"
#include "tracer/objects/process_mappings.h"
#include "tracer/objects/signals.h"
#include "tracer/objects/threads.h"
#include "tracer/objects/timers.h"

namespace llrun::tracer {
namespace {

const image::Thread* find_thread(const image::Process& process, HostTid tid) {
  for (const auto& thread : process.threads())
    if (thread.tid() == tid.value) return &thread;
  return nullptr;
}

}  // namespace

Result<Shadow> Shadow::make(Freeze freeze, const image::Process& process) {
  LLRUN_TRY(freeze.map_stub());
  const auto stub = *freeze.stub();
  Shadow shadow(freeze.take_threads(), stub);
  auto done = shadow.clear_all(process);
  if (done) done = shadow.park_all(process);
  if (done) return shadow;
  const auto back = shadow.put_back(process);
  if (!back)
    return failure(ErrorCode::kSystem,
                   done.error().message() + "; and it cannot be undone: " + back.error().message());
  // As its set would let them go, but each in the call that it sleeps in.
  if (shadow.threads_.lets_go()) std::ignore = shadow.sleeps_.detach_from(shadow.threads_);
  return std::unexpected(done.error());
}

Result<> Shadow::clear_all(const image::Process& process) {
  for (const auto tid : threads_.tids())
    if (find_thread(process, tid) == nullptr)
      return failure(ErrorCode::kRefused,
                     "thread " + std::to_string(tid.value) + " is not in the image");
  LLRUN_TRY_ASSIGN(late_signals_, clear_program(threads_, stub_, process));
  return {};
}

Result<> Shadow::park_all(const image::Process&) {
  for (const auto tid : threads_.tids()) LLRUN_TRY(set_parked(threads_.stopped(tid)));
  for (const auto tid : threads_.tids()) LLRUN_TRY(threads_.go(tid));
  return {};
}

Result<> Shadow::set_parked(const StoppedThread& token) {
  LLRUN_TRY_ASSIGN(auto values, registers(token));
  values.rip = stub_.park().value;
  values.orig_rax = static_cast<unsigned long long>(-1);
  LLRUN_TRY(set_registers(token, values));
  return set_signal_mask(token, 0);
}

Result<> Shadow::put_back(const image::Process& process) {
  LLRUN_TRY_ASSIGN(auto main, borrow(main_thread()));
  LLRUN_TRY(restore_actions(main, arena(), process.actions()));
  LLRUN_TRY(main.finish());
  Result<> done;  // of all of them
  for (const auto tid : threads_.tids()) {
    const auto* thread = find_thread(process, tid);
    if (thread == nullptr) continue;
    const auto put = put_back_thread(tid, *thread, process);
    if (done) done = put;
  }
  return done;
}

Result<> Shadow::put_back_thread(HostTid tid, const image::Thread& thread,
                                 const image::Process& process) {
  LLRUN_TRY_ASSIGN(auto calls, borrow(tid));
  LLRUN_TRY(restore_thread_state(calls, arena(), thread));
  if (tid == main_thread()) {
    LLRUN_TRY(queue_to_process(calls, arena(), process.pending()));
    for (const auto& late : std::exchange(late_signals_, {}))
      LLRUN_TRY(queue_signal_to_process(calls, late, arena().range().start));
    LLRUN_TRY(arm_interval_timers(calls, arena(), process.interval_timers()));
    LLRUN_TRY(make_posix_timers(calls, arena(), process.posix_timers()));
  }
  LLRUN_TRY(calls.abandon());
  return restore_registers(pid(), threads_.stopped(tid), thread, arena(), sleeps_);
}

Result<> Shadow::become_program(const image::Process& process) {
  LLRUN_TRY(threads_.stop_all());
  for (const auto tid : threads_.tids())
    if (auto signal = threads_.take_signal(tid)) late_signals_.push_back(*signal);
  LLRUN_TRY(put_back(process));
  // Where that fails it stays, and does no harm; the program runs on in any case.
  std::ignore = stub_.unmap_from(pid(), threads_.stopped(main_thread()));
  return {};
}

Result<> Shadow::detach_all() {
  const auto shortened = sleeps_.detach_from(threads_);
  const auto detached = threads_.detach_all();
  return shortened ? detached : shortened;
}

Result<ThreadSet> Shadow::resume_as_was(const image::Process& process) {
  LLRUN_TRY(become_program(process));
  LLRUN_TRY(sleeps_.resume_from(threads_));
  LLRUN_TRY(threads_.resume_all());
  return std::move(threads_);
}

Result<> Shadow::drop_memory() {
  LLRUN_TRY(threads_.stop(main_thread()));
  if (auto signal = threads_.take_signal(main_thread())) late_signals_.push_back(*signal);
  const auto dropped = drop_memory_in_main();
  LLRUN_TRY(threads_.go(main_thread()));
  return dropped;
}

Result<> Shadow::drop_memory_in_main() {
  LLRUN_TRY_ASSIGN(auto kept, ranges_of_arguments(pid()));
  kept.push_back(stub_.range());
  LLRUN_TRY_ASSIGN(auto calls, borrow(main_thread()));
  const auto dropped = unmap_all_but(calls, arena(), kept);
  for (const auto& info : calls.take_signals()) late_signals_.push_back(info);
  LLRUN_TRY(calls.finish());
  return dropped;
}

Result<RemoteSyscalls> Shadow::borrow(HostTid tid) {
  return RemoteSyscalls::borrow(pid(), threads_.stopped(tid), stub_.site());
}

Result<ThreadSet> Shadow::take_threads() {
  LLRUN_TRY(threads_.stop_all());
  for (const auto tid : threads_.tids())
    if (auto signal = threads_.take_signal(tid)) late_signals_.push_back(*signal);
  return std::move(threads_);
}

}  // namespace llrun::tracer
