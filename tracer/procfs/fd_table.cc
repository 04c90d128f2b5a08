#include "tracer/procfs/fd_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/fd.h"
#include "base/unasked.h"
#include "tracer/procfs/directory.h"

namespace llrun::tracer {
namespace {

std::string table_path(HostPid pid) { return "/proc/" + std::to_string(pid.value) + "/fd"; }

}  // namespace

std::string fd_path(HostPid pid, int fd) { return table_path(pid) + "/" + std::to_string(fd); }

Result<std::vector<int>> list_fds(HostPid pid) { return list_numbers(table_path(pid)); }

Result<std::vector<FdLink>> read_fd_links(HostPid pid) {
  LLRUN_TRY_ASSIGN(const Fd table, open_file(table_path(pid), O_RDONLY | O_DIRECTORY));
  LLRUN_TRY_ASSIGN(const std::vector<int> fds, list_numbers(table.get()));
  std::vector<FdLink> links;
  std::array<char, PATH_MAX> text{};
  for (const int fd : fds) {
    const ssize_t length =
        ::readlinkat(table.get(), std::to_string(fd).c_str(), text.data(), text.size());
    if (length < 0 && errno == ENAMETOOLONG) links.push_back({fd, kNameTooLong});
    if (length < 0) continue;  // closed meanwhile
    links.push_back({fd, std::string(text.data(), static_cast<std::size_t>(length))});
  }
  return links;
}

Result<struct stat> stat_fd(HostPid pid, int fd) {
  return stat_unasked(AT_FDCWD, fd_path(pid, fd));
}

}  // namespace llrun::tracer
