#include "supervisor/agent/door.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <array>
#include <cmath>
#include <utility>

#include "base/bytes.h"
#include "netproxy/channel/frame_io.h"
#include "supervisor/agent/heard.h"
#include "supervisor/agent/traits.h"
#include "supervisor/holding/search.h"

namespace llrun::agent {
namespace {

// A pipe nobody has written to takes this at once; a visitor that has gone is not our trouble.
void write_once(const ChannelEnds& ends, wire::FrameType type, std::string_view payload) {
  wire::FrameHeader header;
  header.type = type;
  (void)write_frame(ends.out.get(), header, bytes_of(payload), std::chrono::milliseconds(200));
}

}  // namespace

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
  if (const auto why = nonsense_in(hello.hello); !why.empty())
    return refuse(ends, "a visitor", why);
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
  // A guest that is here speaks its home's version, whatever this agent has been updated to since.
  const bool is_here = hello.purpose() == Hello::PURPOSE_RESUME &&
                       around_.processes.guest(hello.job(), hello.epoch()) != nullptr;
  if (hello.version() != kProtocolVersion && !is_here)
    return fmt::format(
        "node {} speaks version {} of the protocol, this node {}: install the same llrun on both",
        hello.node(), hello.version(), kProtocolVersion);
  if (hello.purpose() == Hello::PURPOSE_AGENT) return around_.why_no_agent(hello);
  if (hello.purpose() != Hello::PURPOSE_JOB) return "";
  if (auto nonsense = nonsense_in(hello.offer()); !nonsense.empty()) return nonsense;
  if (auto why = around_.why_not(hello); !why.empty()) return why;
  return around_.limits.why_not(hello);
}

void Door::refuse(const ChannelEnds& ends, const std::string& who, const std::string& why) {
  around_.log.add(fmt::format("refused {}: {}", who, why));
  write_once(ends, wire::FrameType::kRefusal, why);
}

GuestStart Door::start_of(const ReceivedHello& hello) const {
  const auto& limits = around_.config.guests;
  GuestStart start{around_.supervisor_program,
                   around_.config.name,
                   hello.bytes,
                   holding::mark_of(hello.hello.job(), hello.hello.epoch()),
                   static_cast<int>(limits.nice),
                   limits.processes,
                   around_.group.procs_files(),
                   0};
  if (limits.cpu > 0 && !around_.group.limits_cpu())
    start.cores = static_cast<int>(std::ceil(limits.cpu));
  return start;
}

void Door::start_guest(const ReceivedHello& hello, ChannelEnds ends) {
  auto guest = start_guest_supervisor(start_of(hello), ends);
  if (!guest) return refuse(ends, hello.hello.program(), guest.error().message());
  around_.limits.let_in(static_cast<std::uint32_t>(guest->pid), hello.hello);
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
    around_.limits.gone(static_cast<std::uint32_t>(entry->pid));
    guests_.erase(entry);
  });
  LLRUN_CHECK(watched, "watching the supervisor of a guest");
}

void Door::resume_guest(const ReceivedHello& hello, ChannelEnds ends) {
  const auto* guest = around_.processes.guest(hello.hello.job(), hello.hello.epoch());
  if (guest == nullptr) return tell_holding(hello.hello, ends);
  protocol::ControlMessage message;
  message.mutable_give_channel()->set_hello(hello.bytes);
  const std::array fds{ends.in.get(), ends.out.get(), ends.lifeline.get()};
  around_.processes.ask(
      *guest, message,
      [this, job = hello.hello.job(),
       kept = std::make_shared<ChannelEnds>(std::move(ends))](const auto& answer) {
        if (!answer.has_answer() || answer.answer().status() == protocol::Answer::STATUS_DONE)
          return;
        refuse(*kept, "job " + job, answer.answer().text());
      },
      fds);
}

// That nobody has registered for it proves nothing: this agent may have been started a moment ago.
void Door::tell_holding(const Hello& hello, const ChannelEnds& ends) {
  auto said = holding::guest_among(holding::look_at_processes(), hello.job(), hello.epoch());
  *said.mutable_origin() = around_.origin;
  // Asked again and again while home waits.
  auto line = fmt::format("node {} asks for job {}: {}", hello.node(), hello.job(), said.text());
  if (line != last_told_) around_.log.add(last_told_ = std::move(line));
  write_once(ends, wire::FrameType::kHolding, said.SerializeAsString());
}

}  // namespace llrun::agent
