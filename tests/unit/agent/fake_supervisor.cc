// Stands in for llrun-supervisor: reports its process as if it were one at home or a guest, and
// does nothing else. The environment steers it: LLRUN_FAKE_REPORT holds fields of the report as text
// protobuf, LLRUN_FAKE_TRACE a file to which it writes, a line each, what it was asked.
#include <google/protobuf/text_format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/bytes.h"
#include "base/event_loop.h"
#include "netproxy/channel/frame_io.h"
#include "supervisor/control/agent_client.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/protocol/version.h"

namespace {

using namespace llrun;

struct Arguments {
  bool guest = false;
  int pid = 0, pidfd = -1, in = -1, out = -1, lifeline = -1, hello = -1, verbose = -1;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  arguments.guest = argc > 1 && std::strcmp(argv[1], "guest") == 0;
  const std::pair<const char*, int*> numbers[] = {{"--pid", &arguments.pid},
                                                  {"--pidfd", &arguments.pidfd},
                                                  {"--in", &arguments.in},
                                                  {"--out", &arguments.out},
                                                  {"--lifeline", &arguments.lifeline},
                                                  {"--hello-fd", &arguments.hello},
                                                  {"--verbose-fd", &arguments.verbose}};
  for (int i = 2; i + 1 < argc; ++i)
    for (const auto& [name, value] : numbers)
      if (std::strcmp(argv[i], name) == 0) *value = std::atoi(argv[i + 1]);
  return arguments;
}

void trace(const std::string& line) {
  if (const char* file = std::getenv("LLRUN_FAKE_TRACE"))
    std::ofstream(file, std::ios::app) << line << std::endl;
}

protocol::Hello read_hello(int fd) {
  char bytes[65536];
  const ssize_t length = ::read(fd, bytes, sizeof bytes);
  protocol::Hello hello;
  hello.ParseFromArray(bytes, static_cast<int>(length));
  return hello;
}

// So that the other end sees that a guest supervisor holds the channel.
void greet(int out, const std::string& words) {
  protocol::Hello hello;
  hello.set_version(kProtocolVersion);
  hello.set_node(words);
  wire::FrameHeader header;
  header.type = wire::FrameType::kHello;
  const auto bytes = hello.SerializeAsString();
  (void)write_frame(out, header, bytes_of(std::string_view(bytes)), std::chrono::seconds(5));
}

control::AgentClient::Handlers handlers(EventLoop& loop) {
  control::AgentClient::Handlers handlers;
  handlers.migrate = [](const protocol::Migrate& wanted, const control::Reply& reply) {
    std::string line = "migrate " + wanted.node() + (wanted.by_hand() ? " by hand:" : ":");
    if (wanted.offer().at_start()) line = "start on " + wanted.node() + ":";
    for (const auto& word : wanted.channel_command()) line += " " + word;
    trace(line);
    reply.done("moved to " + wanted.node());
  };
  handlers.come_home = [](const protocol::ComeHome&, const control::Reply& reply) {
    trace("come home");
    reply.refused("it cannot come home: this is a test");
  };
  handlers.why = [](const protocol::Why&, const control::Reply& reply) {
    protocol::Row row;
    row.mutable_pin()->set_what("fd 7 is a test");
    row.mutable_pin()->set_remedy("end the test");
    reply.row(row);
    reply.done();
  };
  handlers.stack = [](const protocol::Stack&, const control::Reply& reply) {
    reply.done("#0 main");
  };
  handlers.pin_by_hand = [](const protocol::PinByHand& wanted, const control::Reply& reply) {
    reply.done(wanted.pinned() ? "stays" : "may move");
  };
  handlers.give_channel = [&loop](control::GivenChannel channel, const control::Reply& reply) {
    protocol::Hello hello;
    hello.ParseFromString(channel.hello);
    greet(channel.out.get(), "resumed " + hello.job());
    trace("channel for " + hello.job());
    reply.done();
    loop.after(std::chrono::hours(1),
               [kept = std::make_shared<control::GivenChannel>(std::move(channel))] {});
  };
  return handlers;
}

protocol::ProcessReport first_report(const Arguments& arguments) {
  protocol::ProcessReport report;
  if (const char* text = std::getenv("LLRUN_FAKE_REPORT"))
    google::protobuf::TextFormat::ParseFromString(text, &report);
  report.set_pid(arguments.guest ? ::getpid() : arguments.pid);
  report.set_supervisor_pid(static_cast<std::uint32_t>(::getpid()));
  report.set_role(arguments.guest ? protocol::ProcessReport::ROLE_GUEST
                                  : protocol::ProcessReport::ROLE_HOME);
  if (!arguments.guest) return report;
  const auto hello = read_hello(arguments.hello);
  report.set_job(hello.job());
  report.set_epoch(hello.epoch());
  report.set_home(hello.node());
  report.set_program(hello.program());
  greet(arguments.out, "guest of " + hello.job());
  return report;
}

int run(const Arguments& arguments) {
  auto loop = EventLoop::create();
  if (!loop) return 1;
  auto agent = control::AgentClient::create(**loop, {}, handlers(**loop));
  if (!agent) return trace(agent.error().message()), 1;
  (*agent)->report(first_report(arguments));
  // A guest ends with its channel, a home supervisor with its process.
  const int ends_with = arguments.guest ? arguments.in : arguments.pidfd;
  const auto watched = (*loop)->watch(ends_with, EPOLLIN, [&](std::uint32_t) {
    (*agent)->finished("as the test wanted");
    (*loop)->stop();
  });
  if (!watched) return 1;
  if (arguments.verbose >= 0)
    ::dprintf(arguments.verbose, "fake supervisor of %d\n\n", arguments.pid);
  (*loop)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "probe") == 0) {
    const char* reason = std::getenv("LLRUN_FAKE_PROBE");
    return std::puts(reason != nullptr ? reason : "yes"), 0;
  }
  if (argc > 1 && std::strcmp(argv[1], "doctor") == 0)
    return std::puts(
               R"({"schema":1,"finding":"missing","about":"a test","what":"w","lost":"l","remedy":"r"})"),
           0;
  std::signal(SIGPIPE, SIG_IGN);
  return run(parse(argc, argv));
}
