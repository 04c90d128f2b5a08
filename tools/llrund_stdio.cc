#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>

#include "base/bytes.h"
#include "netproxy/channel/frame_io.h"
#include "supervisor/config/paths.h"
#include "supervisor/control/client.h"
#include "tools/llrund.h"

namespace llrun::daemon {
namespace {

constexpr int kUnreachable = 4;

Result<> hand_over(const std::string& node, int lifeline) {
  const bool stopped = config::was_stopped(node);
  auto connected = control::ControlClient::connect(node, !stopped);
  if (!connected && stopped)
    return failure(ErrorCode::kRefused,
                   "its owner has stopped it (llrund or llrun there starts it again)");
  LLRUN_TRY_ASSIGN(auto agent, std::move(connected));
  protocol::ControlMessage message;
  message.mutable_stdio_channel();
  const std::array fds{STDIN_FILENO, STDOUT_FILENO, lifeline};
  LLRUN_TRY_ASSIGN(const auto answer, agent.ask(message, {}, fds));
  if (answer.status() == protocol::Answer::STATUS_DONE) return {};
  return failure(ErrorCode::kRefused, answer.text());
}

int refuse(const std::string& node, const std::string& why) {
  const auto words = "the agent of node " + node + " cannot be used: " + why;
  std::fprintf(stderr, "llrund: %s\n", words.c_str());
  wire::FrameHeader header;
  header.type = wire::FrameType::kRefusal;
  (void)write_frame(STDOUT_FILENO, header, bytes_of(std::string_view(words)),
                    std::chrono::seconds(5));
  return kUnreachable;
}

// The channel is the agent's now: were it open here too, its other end would never see it closed.
void let_go_of_stdio() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
}

void wait_for_hangup(int lifeline) {
  for (;;) {
    pollfd wanted{lifeline, POLLIN, 0};
    if (::poll(&wanted, 1, -1) == 1 && wanted.revents != 0) return;
  }
}

}  // namespace

int serve_stdio(const std::string& node) {
  // The line may hang up while guests go on: their supervisors decide when the channel is over.
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  auto lifeline = make_pipe();
  if (!lifeline) return refuse(node, lifeline.error().message());
  if (const auto done = hand_over(node, lifeline->second.get()); !done)
    return refuse(node, done.error().message());
  lifeline->second.reset();
  let_go_of_stdio();
  wait_for_hangup(lifeline->first.get());
  return 0;
}

}  // namespace llrun::daemon
