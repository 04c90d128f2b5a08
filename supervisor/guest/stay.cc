// GuestJob, the part while the program runs here.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>

#include "base/bytes.h"
#include "base/log.h"
#include "supervisor/guest/guest_job.h"
#include "supervisor/guest/niceness.h"
#include "tracer/objects/measures.h"
#include "tracer/procfs/smaps.h"
#include "tracer/remote/remote_memory.h"

namespace llrun {

namespace {
// Of each thread's stack, for `llrunctl stack`.
constexpr std::uint64_t kStackBytes = 64 << 10;
constexpr std::chrono::milliseconds kStackPatience{200};  // for threads that wait for a file

// Only what asks nothing of the guest's files: the file view would be waited for here, and while
// home is silent this loop has a lease to keep.
std::uint64_t cpu_time_us(HostPid pid) {
  const auto used = tracer::cpu_time_of(pid);
  return used ? static_cast<std::uint64_t>(used->count() / 1000) : 0;
}

std::uint64_t resident_bytes(HostPid pid) {
  const auto text = read_whole_file(fmt::format("/proc/{}/statm", pid.value));
  if (!text) return 0;
  std::istringstream fields(*text);
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  fields >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}
}  // namespace

using migration::GuestEvent;
using migration::GuestState;

void GuestJob::report() {
  protocol::ProcessReport told;
  told.set_role(protocol::ProcessReport::ROLE_GUEST);
  told.set_job(options_.hello.job());
  told.set_home(options_.hello.node());
  told.set_program(options_.hello.program());
  told.set_command(options_.hello.program());
  told.set_supervisor_pid(static_cast<std::uint32_t>(::getpid()));
  told.set_state(std::string(migration::name(state_)));
  told.set_pid(order_.pid());
  told.set_epoch(options_.hello.epoch());
  if (waits_for_home())
    told.set_unreached_ms(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       EventLoop::Clock::now() - traffic_->link().last_heard())
                                       .count()));
  if (guest_) {
    const std::uint64_t cpu_us = cpu_time_us(guest_->pid);
    told.set_resident_bytes(resident_bytes(guest_->pid));
    told.set_nice(nice_told_);
    if (tracee_) told.set_threads(static_cast<std::uint32_t>(tracee_->thread_count()));
    told.set_cpu_ms(cpu_us / 1000 + image_.cpu_time_ns() / 1'000'000);
    if (state_ == GuestState::kSettled) {
      protocol::JobMessage message;
      auto& usage = *message.mutable_usage();
      usage.set_cpu_us(cpu_us);
      usage.set_resident_bytes(told.resident_bytes());
      usage.set_home_calls(calls_ ? calls_->home_calls_made() : 0);
      usage.set_signals(signals_got_);
      send(message);
    }
  }
  agent_->report(std::move(told));
}

void GuestJob::on_stand_back(const protocol::StandBack& order, const control::Reply& reply) {
  if (!guest_ || state_ != GuestState::kSettled) return reply.refused("it is on its way just now");
  nice_told_ = std::max(nice_told_, order.nice());
  const auto done = stand_back_as_told();
  report();
  if (!done && stands_back_) return reply.refused(done.error().message());
  reply.done();
}

// The program's own niceness is among its session's; the owner's is for all that guests have.
Niceness GuestJob::wanted_niceness() const {
  const int owners = std::max(0, ::getpriority(PRIO_PROCESS, 0));
  return {std::min(std::max(image_.nice(), owners) + nice_told_, 19),
          std::min(owners + nice_told_, 19)};
}

// What the kernel does not take just now is tried again each second; what it refuses is not.
Result<> GuestJob::stand_back_as_told() {
  const auto wanted = wanted_niceness();
  stands_back_ = true;
  if (wanted.session == 0) return {};
  auto done = stand_back(guest_->pid, wanted);
  if (done) return done;
  const auto& error = done.error();
  stands_back_ = error.errno_value != EAGAIN && error.code != ErrorCode::kTimeout;
  if (stands_back_) log::warn("the guest does not stand back: {}", error.message());
  return done;
}

// Where it stands, it goes no further; its end is met as any other.
void GuestJob::end_guest(const std::string& why) {
  if (!ended_because_.empty()) return;
  ended_because_ = why;
  log::error("the guest is ended: {}", why);
  if (::syscall(SYS_pidfd_send_signal, guest_->pidfd.get(), SIGKILL, nullptr, 0) != 0)
    log::error("{}", system_error("end the guest").error().message());
}

// A SIGKILL that home did not ask for comes from this node: its memory has run out, or its owner
// has had enough. It looks like a SIGKILL at home, too; the log says where it came from.
void GuestJob::on_guest_ended(int wait_status) {
  if (state_ == GuestState::kFilling)
    return fail("filling memory", "the process was killed on this node");
  if (state_ == GuestState::kRestored)
    return fail("waiting for the commit", "the process was killed on this node");
  const bool killed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
  if (killed) log::warn("the guest was killed on this node");
  // Home has not been heard to give up, and takes it back.
  if (killed && state_ == GuestState::kRunning)
    return fail("running", "the process was killed on this node");
  log::info("the guest has ended (wait status {:#x})", static_cast<unsigned>(wait_status));
  traffic_->drain_streams();
  protocol::JobMessage message;
  message.mutable_exited()->set_wait_status(wait_status);
  message.mutable_exited()->set_reason(ended_because_);
  send(message);
  if (std::exchange(given_up_waits_, false)) settle();
}

void GuestJob::on_signal(const protocol::DeliverSignal& signal) {
  ++signals_got_;
  siginfo_t info{};
  if (!tracee_ || signal.siginfo().size() != sizeof info) return;
  std::memcpy(&info, signal.siginfo().data(), sizeof info);
  tracee_->deliver(info, GuestTid{signal.tid()});
}

void GuestJob::on_parent_died(GuestPid heir) {
  if (!world_) return;
  if (auto died = world_->parent_died(heir); !died) log::warn("{}", died.error().message());
}

void GuestJob::freeze() {
  loop_->unwatch(calls_->fd());
  tracee_->halt();
  log::warn("home is silent: the guest is stopped until it is heard again");
}

void GuestJob::thaw() {
  log::info("home is heard again: the guest goes on");
  if (auto watched = watch_calls(); !watched) log::error("{}", watched.error().message());
  tracee_->go_on();
  if (!leaving_because_.empty()) leave_later(leaving_because_);  // wanted meanwhile
}

// Stopped for as long as it takes to copy the tops of its stacks.
void GuestJob::send_stacks(std::uint64_t id) {
  protocol::JobMessage message;
  auto& trace = *message.mutable_stack_trace();
  trace.set_id(id);
  if (state_ != GuestState::kSettled) {
    trace.set_refusal("the guest is not running just now");
    return send(message);
  }
  // Asked without end by one who does not take what is told: the longest of all messages.
  if (traffic_->link().full()) {
    trace.set_refusal("home does not take what it is told");
    return send(message);
  }
  tracee_->look_at_threads(kStackPatience, [&](HostTid tid, const tracer::StoppedThread& stopped) {
    add_stack(trace, tid, stopped);
  });
  add_mappings(trace);
  send(message);
}

void GuestJob::run_on(tracer::ThreadSet threads) {
  if (auto ran = tracee_->run_on(std::move(threads)); !ran)
    log::error("the guest could not be resumed: {}", ran.error().message());
}

void GuestJob::add_stack(protocol::StackTrace& trace, HostTid tid,
                         const tracer::StoppedThread& stopped) {
  const auto registers = tracer::registers(stopped);
  const auto guest = tracee_->guest_tid(tid);
  if (!registers || !guest) return;
  auto& thread = *trace.add_threads();
  thread.set_tid(guest->value);
  if (auto name =
          read_whole_file(fmt::format("/proc/{}/task/{}/comm", guest_->pid.value, tid.value)))
    thread.set_name(name->substr(0, name->find('\n')));
  thread.set_registers(std::string(text_of(bytes_of(*registers))));
  // From the red zone below the stack pointer on, as far as it is readable.
  const std::uint64_t start = (registers->rsp - 128) & ~std::uint64_t{4095};
  thread.set_stack_start(start);
  std::string page(4096, '\0');
  for (std::uint64_t at = start; at < start + kStackBytes; at += page.size()) {
    if (!tracer::read_memory(guest_->pid, {at}, std::as_writable_bytes(std::span(page)))) break;
    thread.mutable_stack()->append(page);
  }
}

void GuestJob::add_mappings(protocol::StackTrace& trace) {
  const auto entries = tracer::read_maps(guest_->pid);
  if (!entries) return;
  for (const auto& entry : *entries) {
    auto& mapping = *trace.add_mappings();
    mapping.set_start(entry.start);
    mapping.set_end(entry.end);
    mapping.set_offset(entry.offset);
    mapping.set_writable(entry.writable);
    mapping.set_name(entry.name);
  }
}

}  // namespace llrun
