#include "supervisor/job/home_call_check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <string_view>

#include "tracer/calls/call_table.h"
#include "tracer/objects/terminals.h"

namespace llrun {
namespace {

using protocol::HomeCall;

constexpr std::uint64_t kMostBytes = 64 << 10;  // of one buffer: the shadow has room for so many
constexpr std::uint64_t kMostPolled = 1024;

constexpr std::array<std::uint64_t, 20> kMadeAtHome = {SYS_read,
                                                       SYS_write,
                                                       SYS_setrlimit,
                                                       SYS_ioctl,
                                                       SYS_lseek,
                                                       SYS_fcntl,
                                                       SYS_poll,
                                                       SYS_select,
                                                       SYS_getgroups,
                                                       SYS_getpriority,
                                                       SYS_getpgid,
                                                       SYS_getsid,
                                                       SYS_kill,
                                                       SYS_tkill,
                                                       SYS_tgkill,
                                                       SYS_rt_sigqueueinfo,
                                                       SYS_rt_tgsigqueueinfo,
                                                       SYS_sched_getparam,
                                                       SYS_sched_getscheduler,
                                                       SYS_sched_rr_get_interval};

Result<> require(bool holds, std::string_view what) {
  if (holds) return {};
  return failure(ErrorCode::kProtocol, "a home call makes no sense: " + std::string(what));
}

std::uint64_t argument(const HomeCall& call, int index) {
  return index < call.arguments_size() ? call.arguments(index) : 0;
}

const HomeCall::Buffer* buffer_of(const HomeCall& call, std::size_t argument) {
  const auto found = std::ranges::find(call.buffers(), argument, &HomeCall::Buffer::argument);
  return found == call.buffers().end() ? nullptr : &*found;
}

// The requests and commands that mean the same in the shadow, and what their argument is.
Result<bool> third_is_address(const HomeCall& call) {
  if (call.number() == SYS_fcntl) {
    LLRUN_TRY(require(argument(call, 1) == F_GETPIPE_SZ || argument(call, 1) == F_SETFL,
                      "the command of fcntl"));
    return false;
  }
  const auto shape = tracer::terminal_ioctl(argument(call, 1));
  LLRUN_TRY(require(shape.has_value(), "the request of ioctl"));
  return !shape->by_value && shape->size > 0;
}

bool names_memory(ArgKind kind) {
  switch (kind) {
    case ArgKind::kPath:
    case ArgKind::kString:
    case ArgKind::kAddress:
    case ArgKind::kInBuffer:
    case ArgKind::kOutBuffer:
    case ArgKind::kInVector:
    case ArgKind::kOutVector:
    case ArgKind::kInStruct:
    case ArgKind::kOutStruct:
    case ArgKind::kInOutStruct:
      return true;
    default:
      return false;
  }
}

// With no groups wanted, getgroups(2) does not look at its address.
bool unused_address(const HomeCall& call) {
  return call.number() == SYS_getgroups && static_cast<std::uint32_t>(argument(call, 0)) == 0;
}

Result<> check_addresses(const HomeCall& call, const CallRow& row) {
  for (std::size_t i = 0; i < row.args.size(); ++i) {
    bool address = names_memory(row.args[i]);
    if (row.args[i] == ArgKind::kAddress) {
      LLRUN_TRY_ASSIGN(address, third_is_address(call));
    }
    const bool has_buffer = buffer_of(call, i) != nullptr;
    LLRUN_TRY(require(address || !has_buffer, "a buffer where the call has no address"));
    LLRUN_TRY(require(
        !address || has_buffer || argument(call, static_cast<int>(i)) == 0 || unused_address(call),
        "an address without a buffer"));
  }
  return {};
}

Result<> check_buffers(const HomeCall& call) {
  std::array<bool, 6> seen{};
  for (const auto& buffer : call.buffers()) {
    LLRUN_TRY(require(buffer.argument() < seen.size() && !seen[buffer.argument()],
                      "which argument a buffer is"));
    seen[buffer.argument()] = true;
    LLRUN_TRY(require(buffer.size() <= kMostBytes, "the size of a buffer"));
    LLRUN_TRY(require(buffer.input().empty() || buffer.input().size() == buffer.size(),
                      "the contents of a buffer"));
  }
  return {};
}

// How many bytes the kernel reads or writes at the address that is argument `index`.
std::uint64_t bytes_at(const HomeCall& call, std::size_t index) {
  switch (call.number()) {
    case SYS_read:
    case SYS_write:
      return argument(call, 2);
    case SYS_setrlimit:
      return sizeof(rlimit);
    case SYS_getgroups:
      return static_cast<std::uint32_t>(argument(call, 0)) * sizeof(gid_t);
    case SYS_poll:
      return static_cast<std::uint32_t>(argument(call, 1)) * sizeof(pollfd);
    case SYS_select:  // sets in whole words
      return index == 4 ? sizeof(timeval) : (argument(call, 0) + 63) / 64 * sizeof(long);
    case SYS_ioctl:
      return tracer::terminal_ioctl(argument(call, 1))->size;
    case SYS_sched_getparam:
      return sizeof(sched_param);
    case SYS_sched_rr_get_interval:
      return sizeof(timespec);
    default:
      return sizeof(siginfo_t);
  }
}

Result<> check_lengths(const HomeCall& call) {
  if (call.number() == SYS_setrlimit)
    LLRUN_TRY(require(argument(call, 0) == RLIMIT_FSIZE, "the resource of setrlimit"));
  if (call.number() == SYS_poll)
    LLRUN_TRY(require(argument(call, 1) <= kMostPolled, "the number of descriptors"));
  if (call.number() == SYS_select)
    LLRUN_TRY(require(argument(call, 0) <= FD_SETSIZE, "the number of descriptors"));
  for (const auto& buffer : call.buffers())
    LLRUN_TRY(require(buffer.size() >= bytes_at(call, buffer.argument()),
                      "a buffer that is smaller than the call needs"));
  return {};
}

}  // namespace

Result<> check_home_call(const HomeCall& call) {
  const CallRow* row = find_call(call.number());
  LLRUN_TRY(
      require(row != nullptr && std::ranges::find(kMadeAtHome, call.number()) != kMadeAtHome.end(),
              "system call " + std::to_string(call.number()) + " is not made at home"));
  LLRUN_TRY(require(call.arguments_size() <= 6, "the number of arguments"));
  LLRUN_TRY(check_buffers(call));
  LLRUN_TRY(check_addresses(call, *row));
  return check_lengths(call);
}

}  // namespace llrun
