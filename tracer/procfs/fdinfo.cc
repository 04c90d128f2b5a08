#include "tracer/procfs/fdinfo.h"

#include <fcntl.h>

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

// "        5 events:       19 data:                4  pos:0 ino:6ee9 sdev:f"
std::optional<EpollInfo> parse_epoll(std::string_view rest) {
  const auto words = split_words(rest);
  if (words.size() < 5) return std::nullopt;
  const auto fd = parse_number<int>(words[0]);
  const auto events = parse_number<std::uint32_t>(words[2], 16);
  const auto data = parse_number<std::uint64_t>(words[4], 16);
  if (!fd || !events || !data) return std::nullopt;
  EpollInfo info{*fd, *events, *data, 0, 0};
  for (const auto word : words) {
    if (word.starts_with("ino:"))
      info.inode = parse_number<std::uint64_t>(word.substr(4), 16).value_or(0);
    if (word.starts_with("sdev:"))
      info.device = parse_number<std::uint64_t>(word.substr(5), 16).value_or(0);
  }
  return info;
}

// "1: POSIX  ADVISORY  WRITE 10995 fe:00:10952779 0 EOF" without its ordinal.
std::string lock_words(std::string_view value) {
  const auto colon = value.find(':');
  return std::string(trim(colon == std::string_view::npos ? value : value.substr(colon + 1)));
}

bool take_flags(std::string_view value, FdInfo& info) {
  const auto flags = parse_number<unsigned>(value, 8);
  if (!flags) return false;
  info.close_on_exec = (*flags & O_CLOEXEC) != 0;
  info.flags = static_cast<int>(*flags & ~static_cast<unsigned>(O_CLOEXEC));
  return true;
}

// False: the line is one that we know, and does not mean what it should.
bool take_line(std::string_view key, std::string_view value, FdInfo& info) {
  if (key == "flags") return take_flags(value, info);
  if (key == "lock") {
    info.locks.push_back(lock_words(value));
  } else if (key == "tfd") {
    const auto entry = parse_epoll(value);
    if (!entry) return false;
    info.epoll.push_back(*entry);
  } else if (key == "eventfd-count") {
    info.eventfd_count = parse_number<std::uint64_t>(value, 16);
    return info.eventfd_count.has_value();
  } else if (key == "eventfd-semaphore") {
    info.eventfd_semaphore = value != "0";
  } else if (key == "pos" || key == "mnt_id") {
    const auto number = parse_number<std::uint64_t>(value);
    if (!number) return false;
    (key == "pos" ? info.position : info.mount_id) = *number;
  }
  return true;
}

}  // namespace

Result<FdInfo> parse_fdinfo(std::string_view text) {
  FdInfo info;
  bool has_flags = false;
  for (const auto line : split_lines(text)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto key = trim(line.substr(0, colon));
    if (!take_line(key, trim(line.substr(colon + 1)), info))
      return failure(ErrorCode::kProtocol,
                     "fdinfo: cannot read the line \"" + std::string(line) + "\"");
    has_flags = has_flags || key == "flags";
  }
  if (!has_flags) return failure(ErrorCode::kProtocol, "fdinfo: no flags");
  return info;
}

Result<FdInfo> read_fdinfo(HostPid pid, int fd) {
  const std::string path = "/proc/" + std::to_string(pid.value) + "/fdinfo/" + std::to_string(fd);
  LLRUN_TRY_ASSIGN(const std::string text, read_whole_file(path));
  return parse_fdinfo(text);
}

}  // namespace llrun::tracer
