#include "tracer/objects/descriptors_restore.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "tracer/objects/descriptors_made.h"
#include "tracer/objects/kcmp.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/remote/raised_limit.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

using Kind = image::Description;

// What F_SETFL can change (fcntl(2)); the rest is settled when a file is opened.
constexpr int kChangeable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
// What would make or empty a file, or refuse the path it has today. O_TMPFILE holds O_DIRECTORY.
constexpr int kOnlyAtFirst = O_CREAT | O_EXCL | O_TRUNC | O_TMPFILE | O_NOFOLLOW | O_NOCTTY;

bool opens_by_path(const Kind& record) {
  return record.kind() == Kind::KIND_FILE || record.kind() == Kind::KIND_DIRECTORY ||
         record.kind() == Kind::KIND_DEVICE;
}

bool has_offset(const Kind& record) {
  return (record.kind() == Kind::KIND_FILE || record.kind() == Kind::KIND_DIRECTORY) &&
         !record.offset_at_home();
}

std::string words_for(const Kind& record) {
  return "fd " + std::to_string(record.representative_fd()) + " (" + record.path() + ")";
}

// It is opened by the process itself, in its own file tree, and taken out to us.
Result<Fd> open_inside(RemoteSyscalls& calls, RemoteArena arena, const Kind& record,
                       const std::string& path) {
  arena.clear();
  LLRUN_TRY_ASSIGN(const RemoteAddr name, arena.put_string(path));
  // Of no meaning for what is opened now, but shown by F_GETFL.
  const int shown = record.kind() == Kind::KIND_DIRECTORY
                        ? record.flags() & (O_DIRECTORY | O_NOFOLLOW)
                    : record.kind() == Kind::KIND_FILE ? record.flags() & O_NOFOLLOW
                                                       : 0;
  const int flags = (record.flags() & ~kOnlyAtFirst) | shown | O_CLOEXEC | O_NOCTTY;
  auto number = calls.call(SYS_openat, AT_FDCWD, name, flags, 0);
  // A symbolic link is there by now; whether what it leads to is the file, the caller finds out.
  if (!number && number.error().errno_value == ELOOP)
    number = calls.call(SYS_openat, AT_FDCWD, name, flags & ~O_NOFOLLOW, 0);
  if (!number) return system_error("open " + path + " again", number.error().errno_value);
  auto ours = take_fd(calls.pid(), RemoteFd{static_cast<int>(*number)});
  LLRUN_TRY(calls.call(SYS_close, *number));
  return ours;
}

Result<Fd> obtain(RemoteSyscalls& calls, const RemoteArena& arena, const Kind& record,
                  InnerPipes& pipes, const DescriptorSources& sources) {
  if (record.kind() == Kind::KIND_PIPE_INNER) return pipes.end_of(record);
  if (record.kind() == Kind::KIND_EVENTFD) return make_eventfd(record);
  if (record.kind() == Kind::KIND_EPOLL) return make_epoll();
  if (!opens_by_path(record) || !sources.path_inside) return sources.fd_for(record);
  LLRUN_TRY_ASSIGN(const std::string path, sources.path_inside(record));
  return open_inside(calls, arena, record, path);
}

// Ours is the same description as the process's: what is set here is set there.
Result<> set_state(const Fd& fd, const Kind& record) {
  const int now = ::fcntl(fd.get(), F_GETFL);
  if (now < 0) return system_error("get the flags of " + words_for(record));
  if (((now ^ record.flags()) & kChangeable) != 0 &&
      ::fcntl(fd.get(), F_SETFL, record.flags() & kChangeable) != 0)
    return system_error("set the flags of " + words_for(record));
  if (has_offset(record) && ::lseek(fd.get(), static_cast<off_t>(record.offset()), SEEK_SET) < 0)
    return system_error("set the offset of " + words_for(record));
  return {};
}

Result<> close_all_but(RemoteSyscalls& calls, const std::set<int>& wanted) {
  LLRUN_TRY_ASSIGN(const std::vector<int> open, list_fds(calls.pid()));
  for (const int fd : open)
    if (!wanted.contains(fd)) LLRUN_TRY(calls.call(SYS_close, fd));
  return {};
}

bool is_there(HostPid pid, int number, const Fd& fd) {
  const auto order = compare_files(pid, number, HostPid{::getpid()}, fd.get());
  return order && *order == Order::kEqual;
}

Result<> put(RemoteSyscalls& calls, RemoteFdSender& sender, const Fd& fd,
             const image::Descriptor& number) {
  if (!is_there(calls.pid(), number.number(), fd))
    return sender.send_to(fd.get(), RemoteFd{number.number()}, number.close_on_exec());
  LLRUN_TRY(
      calls.call(SYS_fcntl, number.number(), F_SETFD, number.close_on_exec() ? FD_CLOEXEC : 0));
  return {};
}

Result<> fill_epoll(RemoteSyscalls& calls, RemoteArena arena, const Kind& record, int number) {
  for (const auto& entry : record.epoll()) {
    arena.clear();
    const epoll_event event{entry.events(), {.u64 = entry.data()}};
    LLRUN_TRY_ASSIGN(const RemoteAddr place, arena.put_value(event));
    LLRUN_TRY(calls.call(SYS_epoll_ctl, number, EPOLL_CTL_ADD, entry.fd(), place));
  }
  return {};
}

std::set<int> numbers_of(const image::Process& process) {
  std::set<int> numbers;
  for (const auto& number : process.descriptors()) numbers.insert(number.number());
  return numbers;
}

Result<> check(const image::Process& process) {
  for (const auto& number : process.descriptors())
    if (number.number() < 0 ||
        number.description() >= static_cast<std::uint32_t>(process.descriptions_size()))
      return failure(ErrorCode::kProtocol, "the image names a descriptor that it does not have");
  return {};
}

Result<> fill_epolls(RemoteSyscalls& calls, const RemoteArena& arena,
                     const image::Process& process) {
  std::set<std::uint32_t> filled;
  for (const auto& number : process.descriptors()) {
    const Kind& record = process.descriptions(static_cast<int>(number.description()));
    if (record.kind() == Kind::KIND_EPOLL && filled.insert(number.description()).second)
      LLRUN_TRY(fill_epoll(calls, arena, record, number.number()));
  }
  return {};
}

}  // namespace

Result<> put_descriptors(RemoteSyscalls& calls, const RemoteArena& arena,
                         const image::Process& process, const DescriptorSources& sources) {
  LLRUN_TRY(check(process));
  const RaisedLimit room(calls.pid(), RLIMIT_NOFILE);
  LLRUN_TRY(close_all_but(calls, numbers_of(process)));
  LLRUN_TRY_ASSIGN(RemoteFdSender sender, RemoteFdSender::open(calls, arena));
  InnerPipes pipes(process);
  for (int i = 0; i < process.descriptions_size(); ++i) {
    const Kind& record = process.descriptions(i);
    LLRUN_TRY_ASSIGN(const Fd fd, obtain(calls, arena, record, pipes, sources));
    LLRUN_TRY(set_state(fd, record));
    for (const auto& number : process.descriptors())
      if (number.description() == static_cast<std::uint32_t>(i))
        LLRUN_TRY(put(calls, sender, fd, number));
  }
  LLRUN_TRY(sender.close());
  return fill_epolls(calls, arena, process);
}

Result<> update_descriptors(RemoteSyscalls& calls, const RemoteArena& arena,
                            const image::Process& process,
                            const std::function<Result<Fd>(const image::Description&)>& fd_for) {
  return put_descriptors(calls, arena, process, {.path_inside = {}, .fd_for = fd_for});
}

Result<int> close_in_shadow(RemoteSyscalls& calls, const Fd& duplicate) {
  LLRUN_TRY_ASSIGN(const std::vector<int> open, list_fds(calls.pid()));
  int closed = 0;
  for (const int number : open) {
    if (!is_there(calls.pid(), number, duplicate)) continue;
    LLRUN_TRY(calls.call(SYS_close, number));
    ++closed;
  }
  return closed;
}

}  // namespace llrun::tracer
