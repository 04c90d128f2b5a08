#include "supervisor/job/message_check.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "imagefmt/validate.h"
#include "supervisor/job/home_call_check.h"

namespace llrun {
namespace {

using protocol::JobMessage;

constexpr int kLastSignal = 64;
constexpr int kLastErrno = 4095;       // the kernel's MAX_ERRNO
constexpr int kMostGroups = 65536;     // NGROUPS_MAX
constexpr int kMostAncestors = 65536;  // deeper than any process tree
constexpr std::size_t kHostNameBytes = 64;
constexpr std::size_t kLongestWords = 64 << 10;  // for a person

Result<> require(bool holds, std::string_view what) {
  if (holds) return {};
  return failure(ErrorCode::kProtocol, "a message that makes no sense: " + std::string(what));
}

// What is said in words is kept, logged and shown.
std::size_t words_in(const JobMessage& message) {
  switch (message.body_case()) {
    case JobMessage::kWorldReady:
      return message.world_ready().warning().size();
    case JobMessage::kPagesEnd:
      return message.pages_end().failed().size();
    case JobMessage::kAbort:
      return message.abort().reason().size() + message.abort().step().size();
    case JobMessage::kThreadMade:
      return message.thread_made().error().size();
    case JobMessage::kClassified:
      return message.classified().kept_back().size();
    case JobMessage::kExited:
      return message.exited().reason().size();
    case JobMessage::kComeHome:
      return message.come_home().reason().size();
    case JobMessage::kHomeImage:
      return message.home_image().reason().size();
    case JobMessage::kHomeRefused:
      return message.home_refused().reason().size();
    case JobMessage::kPutOff:
      return message.put_off().reason().size();
    default:
      return 0;
  }
}

Result<> check_words(const JobMessage& message) {
  return require(words_in(message) <= kLongestWords, "words that nobody would read");
}

Result<> check_end(int wait_status) {
  const bool exited = WIFEXITED(wait_status);
  const bool killed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) <= kLastSignal;
  return require(exited || killed, "how the program has ended");
}

Result<> check_stop(int signal) {
  return require(signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU,
                 "the signal that has stopped the program");
}

Result<> check_stacks(const protocol::StackTrace& trace) {
  std::uint64_t last_end = 0;
  for (const auto& mapping : trace.mappings()) {
    LLRUN_TRY(require(mapping.start() < mapping.end() && mapping.start() >= last_end,
                      "the mappings of a stack trace"));
    last_end = mapping.end();
  }
  for (const auto& thread : trace.threads())
    LLRUN_TRY(require(thread.tid() > 0, "a thread of a stack trace"));
  return {};
}

Result<> check_call_done(const protocol::HomeCallDone& done) {
  return require(done.value() >= -kLastErrno, "what a home call has returned");
}

Result<> check_signal(const protocol::DeliverSignal& signal) {
  LLRUN_TRY(require(signal.siginfo().size() == sizeof(siginfo_t), "the size of a signal"));
  siginfo_t info{};
  signal.siginfo().copy(reinterpret_cast<char*>(&info), sizeof info);
  return require(info.si_signo >= 1 && info.si_signo <= kLastSignal && signal.tid() >= 0,
                 "the number of a signal");
}

Result<> check_thread_made(const protocol::ThreadMade& made) {
  return require(made.tid() > 0 || (made.errno_value() > 0 && made.errno_value() <= kLastErrno),
                 "a thread that was made");
}

Result<> check_world(const protocol::MakeWorld& world) {
  LLRUN_TRY(require(world.pid() > 1 && world.parent() >= 0 && world.session() >= 0 &&
                        world.group() >= 0 && world.parent_session() >= 0 &&
                        world.parent_group() >= 0,
                    "the ids of a world"));
  for (const auto ancestor : world.ancestors())
    LLRUN_TRY(require(ancestor > 0, "the ancestors in a world"));
  LLRUN_TRY(require(world.groups_size() <= kMostGroups && world.ancestors_size() <= kMostAncestors,
                    "how many a world has"));
  constexpr std::int64_t kApart_ns = INT64_MAX / 4;  // clocks: some decades
  LLRUN_TRY(require(std::max(std::abs(world.monotonic_ahead_ns() / 2),
                             std::abs(world.boottime_ahead_ns() / 2)) < kApart_ns,
                    "the clocks of a world"));
  return require(
      world.host_name().size() <= kHostNameBytes && world.domain_name().size() <= kHostNameBytes,
      "the host name of a world");
}

}  // namespace

Result<> check_from_guest(const JobMessage& message) {
  LLRUN_TRY(check_words(message));
  switch (message.body_case()) {
    case JobMessage::kHomeCall:
      return check_home_call(message.home_call());
    case JobMessage::kExited:
      return check_end(message.exited().wait_status());
    case JobMessage::kGroupStopped:
      return check_stop(message.group_stopped().signal());
    case JobMessage::kPagesEnd:
      return validate(message.pages_end().ranges());
    case JobMessage::kStackTrace:
      return check_stacks(message.stack_trace());
    default:
      return {};
  }
}

Result<> check_from_home(const JobMessage& message) {
  LLRUN_TRY(check_words(message));
  switch (message.body_case()) {
    case JobMessage::kMakeWorld:
      return check_world(message.make_world());
    case JobMessage::kPagesEnd:
      return validate(message.pages_end().ranges());
    case JobMessage::kHomeCallDone:
      return check_call_done(message.home_call_done());
    case JobMessage::kDeliverSignal:
      return check_signal(message.deliver_signal());
    case JobMessage::kThreadMade:
      return check_thread_made(message.thread_made());
    case JobMessage::kClassified:
      return require(message.classified().errno_value() >= 0 &&
                         message.classified().errno_value() <= kLastErrno,
                     "what kind of file there is");
    default:
      return {};
  }
}

}  // namespace llrun
