#include "netproxy/channel/frame_io.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.h"
#include "netproxy/channel/nowait_write.h"
#include "netproxy/channel/printed_text.h"

namespace llrun {
namespace {
using Clock = MonotonicClock;

Result<> wait_for(int fd, short events, Clock::time_point deadline, const char* what) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left < 0) return failure(ErrorCode::kTimeout, std::string(what) + ": no answer in time");
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_error(what);
  }
}

Result<std::size_t> read_some(int fd, std::span<std::byte> bytes, Clock::time_point deadline) {
  for (;;) {
    LLRUN_TRY(wait_for(fd, POLLIN, deadline, "read a frame"));
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count > 0) return static_cast<std::size_t>(count);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return system_error("read a frame");
    return failure(ErrorCode::kGone, "read a frame: the other end has closed");
  }
}

Result<> read_exactly(int fd, std::span<std::byte> bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    LLRUN_TRY_ASSIGN(const std::size_t count, read_some(fd, bytes, deadline));
    bytes = bytes.subspan(count);
  }
  return {};
}

// The rest of a line whose beginning was taken for a header; it is on its way, or never comes.
std::vector<std::byte> with_rest_of_line(int fd, std::span<const std::byte> beginning) {
  std::vector<std::byte> bytes(beginning.begin(), beginning.end());
  const auto deadline = Clock::now() + std::chrono::milliseconds(200);
  std::byte next{};
  while (std::ranges::count(bytes, std::byte{'\n'}) == 0 && bytes.size() < 1024 &&
         read_some(fd, std::span(&next, 1), deadline))
    bytes.push_back(next);
  return bytes;
}
}  // namespace

Result<OwnedFrame> read_frame(int fd, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::array<std::byte, sizeof(wire::FrameHeader)> head{};
  for (std::size_t have = 0; have < head.size();) {
    const auto count = read_some(fd, std::span(head).subspan(have), deadline);
    // A command that ends may have said why on the wrong descriptor.
    if (!count) return std::unexpected(not_frames(std::span(head).first(have), count.error()));
    have += *count;
  }
  const auto header = wire::parse_frame_header(head);
  if (!header) return std::unexpected(not_frames(with_rest_of_line(fd, head), header.error()));
  OwnedFrame frame;
  frame.header = *header;
  frame.payload.resize(frame.header.length);
  LLRUN_TRY(read_exactly(fd, frame.payload, deadline));
  return frame;
}

Result<> write_frame(int fd, wire::FrameHeader header, std::span<const std::byte> payload,
                     std::chrono::milliseconds timeout) {
  if (payload.size() > wire::kMaxPayload)
    return failure(ErrorCode::kInvalid, "a frame of " + std::to_string(payload.size()) +
                                            " bytes is larger than a frame may be");
  const auto deadline = Clock::now() + timeout;
  header.length = static_cast<std::uint32_t>(payload.size());
  auto head = wire::encode(header);
  NowaitWrite writer(fd);
  LLRUN_TRY(writer.prepare());
  std::size_t done = 0;
  const std::size_t total = head.size() + payload.size();
  while (done < total) {
    LLRUN_TRY(wait_for(fd, POLLOUT, deadline, "write a frame"));
    std::array<iovec, 2> pieces{};
    std::size_t count = 0;
    if (done < head.size()) pieces[count++] = {head.data() + done, head.size() - done};
    const std::size_t in_payload = done > head.size() ? done - head.size() : 0;
    if (in_payload < payload.size())
      pieces[count++] = {const_cast<std::byte*>(payload.data()) + in_payload,
                         payload.size() - in_payload};
    LLRUN_TRY_ASSIGN(const std::size_t written, writer.write(std::span(pieces).first(count)));
    done += written;
  }
  return {};
}

}  // namespace llrun
