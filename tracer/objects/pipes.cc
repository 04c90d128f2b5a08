#include "tracer/objects/pipes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/bytes.h"
#include "tracer/objects/descriptors_view.h"

namespace llrun::tracer {
namespace {

Result<int> bytes_in(int pipe) {
  int count = 0;
  if (::ioctl(pipe, FIONREAD, &count) != 0) return system_error("ask how much is in a pipe");
  return count;
}

Result<> set_capacity(int pipe, std::uint64_t capacity) {
  if (::fcntl(pipe, F_SETPIPE_SZ, static_cast<int>(capacity)) < 0)
    return system_error("make a pipe of " + std::to_string(capacity) + " bytes");
  return {};
}

// All that tee() has put into our own pipe: `count` bytes are there, so nothing waits.
Result<std::string> drain(int pipe, std::size_t count) {
  std::string content(count, '\0');
  LLRUN_TRY(read_all(pipe, std::as_writable_bytes(std::span(content))));
  return content;
}

}  // namespace

Result<PipeState> look_into_pipe(int read_end) {
  const int capacity = ::fcntl(read_end, F_GETPIPE_SZ);
  if (capacity < 0) return system_error("ask for the capacity of a pipe");
  PipeState state{static_cast<std::uint64_t>(capacity), {}};
  LLRUN_TRY_ASSIGN(const int count, bytes_in(read_end));
  if (count == 0) return state;
  LLRUN_TRY_ASSIGN(const FdPair copy, make_pipe());
  LLRUN_TRY(set_capacity(copy.second.get(), state.capacity));
  const ssize_t copied = ::tee(read_end, copy.second.get(), INT_MAX, SPLICE_F_NONBLOCK);
  if (copied < 0) return system_error("copy what is in a pipe");
  if (copied != count)
    return failure(ErrorCode::kUnsupported, "copy what is in a pipe: only a part can be had");
  LLRUN_TRY_ASSIGN(state.content, drain(copy.first.get(), static_cast<std::size_t>(copied)));
  return state;
}

// POLLERR is reported though it is not asked for (poll(2)).
bool reader_is_gone(int write_end) {
  pollfd polled{write_end, 0, 0};
  return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLERR) != 0;
}

Result<FdPair> make_pipe_like(const PipeState& state) {
  LLRUN_TRY_ASSIGN(FdPair made, make_pipe());
  LLRUN_TRY(set_capacity(made.second.get(), state.capacity));
  LLRUN_TRY(
      set_nonblocking(made.second.get(), true));  // a pipe that is too small is an error, no hang
  LLRUN_TRY(write_all(made.second.get(), bytes_of(state.content)));
  LLRUN_TRY(set_nonblocking(made.second.get(), false));
  return made;
}

Verdict judge_pipe(const DescriptorView& view) {
  const std::string thing = view.has_path() ? "the FIFO " + view.link : std::string("a pipe");
  if ((view.info.flags & O_DIRECT) != 0)
    return Pin{view.name() + " is " + thing + " in packet mode (O_DIRECT)",
               "it can move once the program has closed it"};
  if (view.access() == O_RDWR)
    return Pin{view.name() + " is " + thing + " opened for reading and writing at once",
               "it can move once the program has closed it"};
  const bool reads = view.access() == O_RDONLY;
  auto record =
      describe(view, reads ? image::Description::KIND_PIPE_IN : image::Description::KIND_PIPE_OUT);
  record.set_pipe_id(view.about.st_ino);
  record.set_pipe_reads(reads);
  return record;
}

}  // namespace llrun::tracer
