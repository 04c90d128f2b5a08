#include "tracer/procfs/switches.h"

#include <string>

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

Result<std::string> read_of_thread(HostPid pid, HostTid tid, const char* file) {
  return read_whole_file("/proc/" + std::to_string(pid.value) + "/task/" +
                         std::to_string(tid.value) + "/" + file);
}

}  // namespace

std::optional<std::uint64_t> voluntary_switches(HostPid pid, HostTid tid) {
  const auto text = read_of_thread(pid, tid, "status");
  if (!text) return std::nullopt;
  const auto value = value_of(*text, "voluntary_ctxt_switches");
  return value ? parse_number<std::uint64_t>(trim(*value)) : std::nullopt;
}

// "running", or the number and its arguments (fs/proc/base.c, proc_pid_syscall).
std::optional<std::uint64_t> parse_call_number(std::string_view text) {
  return parse_number<std::uint64_t>(text.substr(0, text.find(' ')));
}

std::optional<std::uint64_t> sleeps_in_call(HostPid pid, HostTid tid) {
  const auto text = read_of_thread(pid, tid, "syscall");
  return text ? parse_call_number(*text) : std::nullopt;
}

std::optional<std::chrono::nanoseconds> time_on_processor(HostPid pid, HostTid tid) {
  const auto text = read_of_thread(pid, tid, "schedstat");
  if (!text) return std::nullopt;
  const auto value = parse_number<std::int64_t>(text->substr(0, text->find(' ')));
  if (!value) return std::nullopt;
  return std::chrono::nanoseconds(*value);
}

}  // namespace llrun::tracer
