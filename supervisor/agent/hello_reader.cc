#include "supervisor/agent/hello_reader.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "imagefmt/wire.h"

namespace llrun::agent {

HelloReader::HelloReader(EventLoop& loop, int fd, EventLoop::Clock::duration limit, Done done)
    : loop_(loop), fd_(fd), done_(std::move(done)), wanted_(sizeof(wire::FrameHeader)) {
  const auto watched = loop_.watch(fd_, EPOLLIN, [this](std::uint32_t) { on_readable(); });
  // A plain file cannot be watched, and is nobody's channel. Told from the loop, as everything is.
  auto error =
      watched ? Error{ErrorCode::kTimeout, 0, "the other end says nothing"} : watched.error();
  timer_ = loop_.after(watched ? limit : EventLoop::Clock::duration::zero(),
                       [this, error] { finish(std::unexpected(error)); });
}

HelloReader::~HelloReader() {
  loop_.unwatch(fd_);
  loop_.cancel(timer_);
}

void HelloReader::on_readable() {
  auto complete = advance();
  if (!complete) return finish(std::unexpected(complete.error()));
  if (*complete) finish(parse());
}

// One read an event: the descriptor may be a blocking one.
Result<bool> HelloReader::advance() {
  const auto have = bytes_.size();
  bytes_.resize(wanted_);
  const ssize_t count = ::read(fd_, bytes_.data() + have, wanted_ - have);
  bytes_.resize(have + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (count < 0) return system_error("read the first words of a channel");
  if (count == 0) return failure(ErrorCode::kGone, "the other end closed the channel at once");
  if (bytes_.size() < wanted_) return false;
  if (wanted_ > sizeof(wire::FrameHeader)) return true;
  LLRUN_TRY_ASSIGN(const auto header,
                   wire::parse_frame_header(std::span<const std::byte, 16>(bytes_.data(), 16)));
  if (header.type != wire::FrameType::kHello || header.length > kMaxHello)
    return failure(ErrorCode::kProtocol, "the other end does not begin with a hello: is it llrun?");
  wanted_ += header.length;
  return header.length == 0;
}

Result<ReceivedHello> HelloReader::parse() const {
  ReceivedHello received;
  received.bytes = text_of(std::span(bytes_).subspan(sizeof(wire::FrameHeader)));
  if (!received.hello.ParseFromString(received.bytes))
    return failure(ErrorCode::kProtocol, "the other end's hello cannot be read");
  return received;
}

void HelloReader::finish(Result<ReceivedHello> result) {
  loop_.unwatch(fd_);
  loop_.cancel(std::exchange(timer_, 0));
  const auto done = std::move(done_);
  done(std::move(result));
}

}  // namespace llrun::agent
