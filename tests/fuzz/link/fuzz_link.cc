// Bytes on a connection of a job: first the answer to our hello, then frames for the Link. Both are
// the product's own reading, through a socket.
#include <sys/socket.h>

#include <csignal>

#include "base/bytes.h"
#include "supervisor/job/greeting.h"
#include "supervisor/job/link.h"
#include "supervisor/job/message_parts.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace llrun;
using fuzz::Counter;
using wire::FrameType;

Counter greetings("greetings");
Counter refused_greetings("greetings refused");
Counter frames("frames handled");
Counter ended("connections ended");

std::string frame(FrameType type, const std::string& payload, std::uint32_t stream = 0) {
  const auto head = wire::encode({static_cast<std::uint32_t>(payload.size()), type, 0, 1, stream});
  return std::string(text_of(head)) + payload;
}

std::string count(std::uint64_t number) { return std::string(text_of(bytes_of(number))); }

// What we can read is what was written, then the end of the stream; what we say goes nowhere.
void offer(const FdPair& ends, std::string_view bytes) {
  (void)::send(ends.second.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(ends.second.get(), SHUT_WR);
}

void greet_them(std::string_view answer) {
  auto ends = make_socketpair(SOCK_STREAM);
  LLRUN_CHECK(ends, "a socket");
  offer(*ends, answer);
  protocol::Hello ours;
  const auto theirs =
      greet(ends->first.get(), ends->first.get(), ours, std::chrono::milliseconds(1000));
  ++(theirs ? greetings : refused_greetings);
}

void use_link(std::string_view bytes) {
  auto loop = EventLoop::create();
  auto ends = make_socketpair(SOCK_STREAM);
  LLRUN_CHECK(loop && ends, "a loop");
  auto copy = ends->first.duplicate();
  LLRUN_CHECK(copy, "a socket");
  MessageParts parts;
  Link link(**loop, {[&](const wire::FrameHeader& header, std::span<const std::byte> payload) {
                       ++frames;
                       LLRUN_CHECK(header.epoch == 1, "a frame of another epoch");
                       if (header.type == FrameType::kJob && !parts.take(payload))
                         link.disconnect(), (*loop)->stop();
                     },
                     [&](const Error&) {
                       ++ended;
                       (*loop)->stop();
                     }});
  link.set_epoch(1);
  for (std::uint32_t i = 0; i < 3; ++i) link.send(FrameType::kStreamData, i, "ours");
  offer(*ends, bytes);
  LLRUN_CHECK(link.connect(std::move(ends->first), std::move(*copy)), "connect");
  (*loop)->run();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const auto no_sigpipe = ::signal(SIGPIPE, SIG_IGN);
  fuzz::Input input(data, std::min<std::size_t>(size, 100'000));  // what a socket takes at once
  if (input.byte() % 4 == 0)
    greet_them(input.rest());
  else
    use_link(input.rest());
  return 0;
}

std::vector<std::string> llrun::fuzz::seeds() {
  protocol::Hello hello;
  hello.set_version(kProtocolVersion);
  hello.set_node("b");
  protocol::Holding holding;
  holding.set_state(protocol::Holding::STATE_NOT_HELD);
  holding.mutable_origin()->set_identity("0123456789abcdef0123456789abcdef");
  protocol::JobMessage message;
  message.mutable_thread_ended()->set_tid(4712);
  const std::string said = frame(FrameType::kJob, message.SerializeAsString());
  const std::string alive = frame(FrameType::kKeepAlive, count(0));
  return {std::string(1, '\0') + frame(FrameType::kHello, hello.SerializeAsString()),
          std::string(1, '\0') + frame(FrameType::kRefusal, "no"),
          std::string(1, '\0') + frame(FrameType::kHolding, holding.SerializeAsString()),
          "\1" + alive + said,
          "\1" + alive + said + frame(FrameType::kKeepAlive, count(3)) +
              frame(FrameType::kStreamData, "bytes", 5) +
              frame(FrameType::kStreamCredit, count(4096), 0xFFFF'FFFF) +
              frame(FrameType::kFileReply, std::string(16, '\0')),
          "\1" + frame(FrameType::kKeepAlive, count(4))};
}
