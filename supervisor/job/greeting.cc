#include "supervisor/job/greeting.h"

#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "netproxy/channel/frame_io.h"

namespace llrun {
namespace {
constexpr std::chrono::milliseconds kWriteTimeout{10'000};

wire::FrameHeader header_of(wire::FrameType type) {
  wire::FrameHeader header;
  header.type = type;
  return header;
}
}  // namespace

Result<Greeting> greet(int in, int out, const protocol::Hello& ours,
                       std::chrono::milliseconds timeout) {
  LLRUN_TRY(say_hello(out, ours));
  LLRUN_TRY_ASSIGN(const OwnedFrame frame, read_frame(in, timeout));
  if (frame.header.type == wire::FrameType::kRefusal)
    return failure(ErrorCode::kRefused, std::string(text_of(frame.payload)));
  const int length = static_cast<int>(frame.payload.size());
  if (protocol::Holding said; frame.header.type == wire::FrameType::kHolding &&
                              said.ParseFromArray(frame.payload.data(), length))
    return Greeting{{}, std::move(said)};
  protocol::Hello theirs;
  if (frame.header.type != wire::FrameType::kHello ||
      !theirs.ParseFromArray(frame.payload.data(), length))
    return failure(ErrorCode::kProtocol, "the other end answered with something that is no hello");
  if (theirs.version() != kProtocolVersion)
    return failure(ErrorCode::kProtocol,
                   "the other end speaks version " + std::to_string(theirs.version()) +
                       " of the protocol, this node version " + std::to_string(kProtocolVersion) +
                       ": install the same llrun on both");
  return Greeting{std::move(theirs), std::nullopt};
}

Result<> say_hello(int out, const protocol::Hello& ours) {
  const std::string bytes = ours.SerializeAsString();
  return write_frame(out, header_of(wire::FrameType::kHello), bytes_of(std::string_view(bytes)),
                     kWriteTimeout);
}

void refuse(int out, const std::string& words) {
  auto written = write_frame(out, header_of(wire::FrameType::kRefusal),
                             bytes_of(std::string_view(words)), kWriteTimeout);
  if (!written) log::warn("a refusal could not be sent: {}", written.error().message());
}

}  // namespace llrun
