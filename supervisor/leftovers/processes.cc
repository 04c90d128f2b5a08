#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/bytes.h"
#include "base/fd.h"
#include "supervisor/leftovers/leftovers.h"
#include "supervisor/leftovers/process_table.h"

namespace llrun::leftovers {
namespace {

// Whoever waits for a file of a view that nobody serves is not reached by SIGKILL before the
// connection has ended. Its number is the device's minor one (fuse.rst, "The filesystem control").
Result<> abort_view(const std::string& device) {
  const auto minor = device.substr(device.find(':') + 1);
  const auto file = "/sys/fs/fuse/connections/" + minor + "/abort";
  const auto abort = open_file(file, O_WRONLY);
  if (!abort)
    return failure(ErrorCode::kRefused,
                   "end the file view: " + abort.error().message() +
                       " (mount -t fusectl none /sys/fs/fuse/connections, by root, would help)");
  return write_all(abort->get(), bytes_of(std::string_view("1")));
}

bool is_left_over(const ProcessTable& table, int pid) {
  return std::ranges::any_of(judge(table),
                             [pid](const auto& verdict) { return verdict.pid == pid; });
}

// By a descriptor, after another look: the number may be somebody else's by now, and somebody may
// care for the process by now.
Result<> end_process(const Process& process) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd.valid()) return errno == ESRCH ? Result<>{} : system_error("look at a process");
  const auto now = read_processes();
  const auto found = now.find(process.pid);
  if (found == now.end() || found->second.started != process.started) return {};
  if (!is_left_over(now, process.pid)) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
    return system_error(fmt::format("end process {}", process.pid));
  if (!process.view.empty() && process.state == 'D') return abort_view(process.view);
  return {};
}

}  // namespace

std::vector<Leftover> of_processes() {
  const auto table = read_processes();
  std::vector<Leftover> found;
  for (const auto& verdict : judge(table))
    found.push_back({verdict.kind, verdict.what,
                     [process = table.at(verdict.pid)] { return end_process(process); }});
  return found;
}

}  // namespace llrun::leftovers
