#include "supervisor/streams/guest_streams.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"

namespace llrun {
namespace {
// How far the guest may be ahead of what home has passed on.
constexpr std::uint64_t kWindow = 256 << 10;
constexpr std::size_t kPiece = 64 << 10;
}  // namespace

GuestStreams::~GuestStreams() {
  for (auto& [stream, output] : outputs_)
    if (output.watched) loop_.unwatch(output.ours.get());
  for (auto& [stream, fd] : inputs_) loop_.unwatch(fd.get());
}

Result<> GuestStreams::note_inode(int fd, std::uint32_t stream) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error("look at a stand-in");
  by_inode_[status.st_ino] = stream;
  return {};
}

Result<Fd> GuestStreams::add_output_pipe(std::uint32_t stream) {
  LLRUN_TRY_ASSIGN(FdPair ends, make_pipe());
  LLRUN_TRY(set_nonblocking(ends.first.get(), true));
  LLRUN_TRY(note_inode(ends.second.get(), stream));
  outputs_[stream].ours = std::move(ends.first);
  return std::move(ends.second);
}

Result<Fd> GuestStreams::add_input_pipe(std::uint32_t stream) {
  LLRUN_TRY_ASSIGN(FdPair ends, make_pipe());
  LLRUN_TRY(note_inode(ends.first.get(), stream));
  inputs_[stream] = std::move(ends.second);
  return std::move(ends.first);
}

Result<> GuestStreams::add_terminal(std::uint32_t stream, Fd master, Fd slave) {
  LLRUN_TRY(set_nonblocking(master.get(), true));
  LLRUN_TRY(set_nonblocking(slave.get(), true));
  Output& output = outputs_[stream];
  output.ours = std::move(master);
  output.slave = std::move(slave);
  return {};
}

Result<> GuestStreams::start() {
  for (auto& [stream, output] : outputs_) LLRUN_TRY(resume_reading(stream, output));
  for (auto& [stream, fd] : inputs_)
    // No reader left: EPOLLERR, which is always reported.
    LLRUN_TRY(loop_.watch(fd.get(), 0, [this, stream](std::uint32_t) {
      loop_.unwatch(inputs_.at(stream).get());
      inputs_.erase(stream);
      callbacks_.on_closed(stream);
    }));
  return {};
}

Result<> GuestStreams::resume_reading(std::uint32_t stream, Output& output) {
  if (output.watched || !output.open) return {};
  output.watched = true;
  return loop_.watch(output.ours.get(), EPOLLIN,
                     [this, stream](std::uint32_t) { on_readable(stream); });
}

void GuestStreams::on_readable(std::uint32_t stream) {
  Output& output = outputs_.at(stream);
  if (output.sent - output.passed_on >= kWindow) {
    loop_.unwatch(output.ours.get());  // until credit comes
    output.watched = false;
    return;
  }
  read_once(stream, output);
}

bool GuestStreams::read_once(std::uint32_t stream, Output& output) {
  std::string bytes(kPiece, '\0');
  const ssize_t count = ::read(output.ours.get(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (count <= 0) {
    close_output(stream, output);
    return false;
  }
  bytes.resize(static_cast<std::size_t>(count));
  output.sent += bytes.size();
  callbacks_.on_output(stream, std::move(bytes));
  return true;
}

void GuestStreams::close_output(std::uint32_t stream, Output& output) {
  if (!output.open) return;
  output.open = false;
  if (output.watched) loop_.unwatch(output.ours.get());
  output.watched = false;
  callbacks_.on_closed(stream);
}

void GuestStreams::credit(std::uint32_t stream, std::uint64_t passed_on) {
  const auto found = outputs_.find(stream);
  if (found == outputs_.end() || passed_on > found->second.sent) return;
  found->second.passed_on = passed_on;
  if (auto resumed = resume_reading(stream, found->second); !resumed)
    log::error("stream {}: {}", stream, resumed.error().message());
}

void GuestStreams::break_output(std::uint32_t stream) {
  const auto found = outputs_.find(stream);
  if (found == outputs_.end()) return;
  Output& output = found->second;
  if (output.watched) loop_.unwatch(output.ours.get());
  output.watched = false;
  output.open = false;
  output.ours.reset();
  output.slave.reset();
}

// The kernel moves bytes from a terminal's slave to its master by a work queue
// (drivers/tty/tty_buffer.c), so an empty master does not mean that none are under way. A mark sent
// behind them does.
void GuestStreams::drain_terminal(std::uint32_t stream, Output& output) {
  std::array<std::byte, 24> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) return;
  const std::string mark(text_of(random));
  LLRUN_CHECK(set_nonblocking(output.ours.get(), false), "terminal");
  std::string bytes;
  std::string piece(kPiece, '\0');
  std::size_t marked = 0;
  while (!bytes.ends_with(mark)) {
    // The slave may be full of the guest's output: what it does not take now, it takes when there
    // is room.
    if (marked < mark.size()) {
      const ssize_t written =
          ::write(output.slave.get(), mark.data() + marked, mark.size() - marked);
      if (written > 0) marked += static_cast<std::size_t>(written);
    }
    const ssize_t count = ::read(output.ours.get(), piece.data(), piece.size());
    if (count <= 0 && errno != EINTR) return;
    if (count > 0) bytes.append(piece.data(), static_cast<std::size_t>(count));
  }
  LLRUN_CHECK(set_nonblocking(output.ours.get(), true), "terminal");
  bytes.resize(bytes.size() - mark.size());
  if (bytes.empty()) return;
  output.sent += bytes.size();
  callbacks_.on_output(stream, std::move(bytes));
}

void GuestStreams::drain() {
  for (auto& [stream, output] : outputs_) {
    if (!output.open) continue;
    if (output.slave.valid()) {
      drain_terminal(stream, output);
    } else {
      while (read_once(stream, output)) {
      }
    }
  }
}

}  // namespace llrun
