#include "supervisor/agent/door.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "netproxy/channel/frame_io.h"
#include "supervisor/agent/traits.h"

namespace llrun::agent {

using protocol::Hello;

Door::~Door() {
  for (const auto& guest : guests_) around_.loop.unwatch(guest.pidfd.get());
}

void Door::knock(ChannelEnds ends) {
  visitors_.push_back({std::move(ends), nullptr});
  const auto visitor = std::prev(visitors_.end());
  visitor->reader = std::make_unique<HelloReader>(
      around_.loop, visitor->ends.in.get(), kPatience,
      [this, visitor](Result<ReceivedHello> hello) { hello_came(visitor, std::move(hello)); });
}

void Door::hello_came(std::list<Visitor>::iterator visitor, Result<ReceivedHello> hello) {
  ChannelEnds ends = std::move(visitor->ends);
  visitors_.erase(visitor);
  if (!hello) return refuse(ends, "a visitor", hello.error().message());
  serve(*hello, std::move(ends));
}

void Door::serve(const ReceivedHello& hello, ChannelEnds ends) {
  const auto who = fmt::format("{} of node {}",
                               hello.hello.program().empty() ? "the agent" : hello.hello.program(),
                               hello.hello.node());
  if (const auto why = why_not(hello.hello); !why.empty()) return refuse(ends, who, why);
  switch (hello.hello.purpose()) {
    case Hello::PURPOSE_AGENT:
      return around_.agent_came(hello.hello, std::move(ends));
    case Hello::PURPOSE_JOB:
      return start_guest(hello, std::move(ends));
    case Hello::PURPOSE_RESUME:
      return resume_guest(hello, std::move(ends));
    default:
      return refuse(ends, who,
                    "this agent does not know what that channel is for: update llrun here");
  }
}

std::string Door::why_not(const Hello& hello) const {
  if (hello.version() != kProtocolVersion)
    return fmt::format(
        "node {} speaks version {} of the protocol, this node {}: install the same llrun on both",
        hello.node(), hello.version(), kProtocolVersion);
  if (hello.purpose() != Hello::PURPOSE_JOB) return "";
  const auto& name = around_.config.name;
  const auto& limits = around_.config.guests;
  if (!around_.accepts())
    return fmt::format("node {} takes no guests (llrunctl accept there changes that)", name);
  if (limits.max > 0 &&
      around_.processes.guests() + incoming() >= static_cast<std::uint32_t>(limits.max))
    return fmt::format("node {} has {} guests and takes no more (guests.max)", name, limits.max);
  const auto free = around_.free_memory();
  if (free > 0 && hello.memory_bytes() > free)
    return fmt::format("node {} has {} free, the program needs {}", name, human_bytes(free),
                       human_bytes(hello.memory_bytes()));
  const auto allowed = static_cast<std::uint64_t>(limits.memory * (1U << 20));
  if (allowed > 0 && hello.memory_bytes() > allowed)
    return fmt::format("node {} gives guests {} at most (guests.memory), the program needs {}",
                       name, human_bytes(allowed), human_bytes(hello.memory_bytes()));
  return "";
}

void Door::refuse(const ChannelEnds& ends, const std::string& who, const std::string& why) {
  around_.log.add(fmt::format("refused {}: {}", who, why));
  wire::FrameHeader header;
  header.type = wire::FrameType::kRefusal;
  // A pipe nobody has written to takes this at once; a visitor that has gone is not our trouble.
  (void)write_frame(ends.out.get(), header, bytes_of(std::string_view(why)),
                    std::chrono::milliseconds(200));
}

void Door::start_guest(const ReceivedHello& hello, ChannelEnds ends) {
  const GuestStart start{around_.supervisor_program, around_.config.name, hello.bytes,
                         static_cast<int>(around_.config.guests.nice)};
  auto guest = start_guest_supervisor(start, ends);
  if (!guest) return refuse(ends, hello.hello.program(), guest.error().message());
  around_.log.add(
      fmt::format("{} of node {} is let in", hello.hello.program(), hello.hello.node()));
  watch(std::move(*guest));
}

void Door::watch(GuestProcess guest) {
  guests_.push_back(std::move(guest));
  const auto entry = std::prev(guests_.end());
  const int pidfd = entry->pidfd.get();
  const auto watched = around_.loop.watch(pidfd, EPOLLIN, [this, entry, pidfd](std::uint32_t) {
    ::waitpid(entry->pid, nullptr, 0);
    around_.loop.unwatch(pidfd);
    guests_.erase(entry);
  });
  LLRUN_CHECK(watched, "watching the supervisor of a guest");
}

void Door::resume_guest(const ReceivedHello& hello, ChannelEnds ends) {
  const auto* guest = around_.processes.guest(hello.hello.job());
  if (guest == nullptr)
    return refuse(ends, "job " + hello.hello.job(),
                  "no such job here: its guest has ended, or never came");
  protocol::ControlMessage message;
  message.mutable_give_channel()->set_hello(hello.bytes);
  const std::array fds{ends.in.get(), ends.out.get(), ends.lifeline.get()};
  around_.processes.ask(
      *guest, message,
      [this, job = hello.hello.job()](const auto& answer) {
        if (answer.has_answer() && answer.answer().status() != protocol::Answer::STATUS_DONE)
          around_.log.add(
              fmt::format("job {} did not take its channel: {}", job, answer.answer().text()));
      },
      fds);
}

std::uint32_t Door::incoming() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(guests_, [this](const GuestProcess& guest) {
        return !around_.processes.registered(static_cast<std::uint32_t>(guest.pid));
      }));
}

}  // namespace llrun::agent
