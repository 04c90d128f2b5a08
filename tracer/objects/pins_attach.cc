// Who may not attach to a process, and who already has.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/fd.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/procfs/lineage.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

int yama_scope() {
  const auto text = read_whole_file("/proc/sys/kernel/yama/ptrace_scope");
  return text ? parse_number<int>(trim(*text)).value_or(0) : 0;
}

// pidfd_getfd(2) asks for the right to attach before it looks at the descriptor number: with a
// number that nobody has it tells whether we may, and does nothing. tests/kernel/descriptors names
// this.
bool may_attach(HostPid pid) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid.value, 0)));
  if (!pidfd.valid()) return true;  // gone, or a thread's id: not ours to say
  return ::syscall(SYS_pidfd_getfd, pidfd.get(), INT_MAX, 0) >= 0 || errno != EPERM;
}

Pin refused_pin() {
  switch (yama_scope()) {
    case 0:
      return {
          "attaching to it is not permitted (it has made itself undumpable, or its file may not be "
          "read)",
          "such programs guard a secret and never move"};
    case 1:
      return {"attaching to it is not permitted: /proc/sys/kernel/yama/ptrace_scope is 1",
              "start it by llrun instead of attaching, or set ptrace_scope to 0"};
    default:
      return {
          "attaching to any program is forbidden on this node: /proc/sys/kernel/yama/ptrace_scope",
          "ask the administrator to set ptrace_scope to 0 or 1"};
  }
}

// TracerPid is a thread's id; one of ours is ourselves.
bool is_ours(int tracer) {
  return ::access(("/proc/self/task/" + std::to_string(tracer)).c_str(), F_OK) == 0;
}

}  // namespace

void add_attach_pins(HostPid pid, Pins& pins) {
  if (!may_attach(pid)) pins.push_back(refused_pin());
}

void add_tracer_pin(int tracer, Pins& pins) {
  if (tracer == 0 || is_ours(tracer)) return;
  const auto lineage = read_lineage(HostPid{tracer});
  pins.push_back({"a debugger is attached to it: process " + std::to_string(tracer) + " (" +
                      (lineage ? lineage->name : "?") + ")",
                  "it can move once the debugger has let it go"});
}

}  // namespace llrun::tracer
