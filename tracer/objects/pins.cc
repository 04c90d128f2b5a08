#include "tracer/objects/pins.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "tracer/objects/descriptors.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/objects/sharing.h"
#include "tracer/procfs/directory.h"

namespace llrun::tracer {
namespace {

void append(Pins& pins, Pins more) {
  for (Pin& pin : more) pins.push_back(std::move(pin));
}

bool may_not_look(const Error& error) {
  return error.errno_value == EACCES || error.errno_value == EPERM;
}

// What may not be looked at has its pin already (add_attach_pins says who may not).
Result<> append_if_seen(Pins& pins, Result<Pins> more) {
  if (more) append(pins, std::move(*more));
  if (!more && !may_not_look(more.error())) return std::unexpected(more.error());
  return {};
}

Result<Pins> held_descriptor_pins(HostPid pid, const std::vector<HostPid>& job) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid.value, 0)));
  if (!pidfd.valid()) return system_error("open process " + std::to_string(pid.value));
  auto pins = shared_descriptor_pins(pid, pidfd, job);
  // It runs: a descriptor may close while we look.
  for (int again = 0; again < 3 && !pins && pins.error().errno_value == EBADF; ++again)
    pins = shared_descriptor_pins(pid, pidfd, job);
  if (!pins && may_not_look(pins.error())) return descriptor_pins(pid);
  return pins;
}

bool is_gone(HostPid pid) {
  return ::access(("/proc/" + std::to_string(pid.value)).c_str(), F_OK) != 0;
}

Error gone(HostPid pid) {
  return {ErrorCode::kGone, 0, "process " + std::to_string(pid.value) + " has ended"};
}

}  // namespace

Result<Pins> process_pins(HostPid pid) {
  const auto it = read_credentials(pid);
  if (!it) return std::unexpected(is_gone(pid) ? gone(pid) : it.error());
  if (it->state == 'Z' || it->state == 'X') {
    LLRUN_TRY_ASSIGN(const auto left, list_threads(pid));
    if (left.size() <= 1) return std::unexpected(gone(pid));
    // Its files and memory cannot be seen through it any more, and would seem to hold it.
    return Pins{main_thread_has_ended()};
  }
  LLRUN_TRY_ASSIGN(const auto tids, list_threads(pid));
  Pins pins;
  add_identity_pins(*it, pins);
  add_confinement_pins(*it, pins);
  add_world_pins(pid, pins);
  add_program_pins(pid, pins);
  add_attach_pins(pid, pins);
  add_thread_pins(pid, tids, pins);
  add_schedule_pins(pid, HostPid{it->parent}, tids, pins);
  add_child_pins(pid, pins);
  add_timer_pins(pid, pins);
  add_mapping_pins(pid, pins);
  add_place_pins(pid, pins);
  add_limit_pins(pid, pins);
  if (is_gone(pid)) return std::unexpected(gone(pid));
  return pins;
}

Result<Pins> all_pins(HostPid pid, const std::vector<HostPid>& job) {
  LLRUN_TRY_ASSIGN(Pins pins, process_pins(pid));
  if (pins == Pins{main_thread_has_ended()}) return pins;
  LLRUN_TRY(append_if_seen(pins, sharing_pins(pid, job)));
  LLRUN_TRY(append_if_seen(pins, held_descriptor_pins(pid, job)));
  return pins;
}

}  // namespace llrun::tracer
