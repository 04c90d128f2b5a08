#include "supervisor/guest/home_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <bitset>
#include <csignal>
#include <cstring>

#include "base/bytes.h"
#include "supervisor/guest/guest_memory.h"
#include "tracer/objects/terminals.h"

namespace llrun {
namespace {

using tracer::RemoteAddr;
using Plan = Result<std::optional<HomeCallPlan>>;

constexpr std::uint64_t kMaxPollEntries = 1024;

HomeCallPlan plain(const NotifiedCall& call) {
  HomeCallPlan plan;
  plan.call.set_number(call.number);
  for (const std::uint64_t argument : call.args) plan.call.add_arguments(argument);
  return plan;
}

void add_output(HomeCallPlan& plan, unsigned argument, std::uint64_t address, std::uint64_t size) {
  auto& buffer = *plan.call.add_buffers();
  buffer.set_argument(argument);
  buffer.set_size(size);
  buffer.set_output(true);
  plan.outputs.push_back({reinterpret_cast<void*>(address), size});
}

// A buffer that is read and written, or, without `output`, only read.
Result<> add_input(HomeCallPlan& plan, HostPid guest, unsigned argument, std::uint64_t address,
                   std::uint64_t size, bool output) {
  std::string bytes(size, '\0');
  LLRUN_TRY(tracer::read_memory(guest, {address}, std::as_writable_bytes(std::span(bytes))));
  auto& buffer = *plan.call.add_buffers();
  buffer.set_argument(argument);
  buffer.set_size(size);
  buffer.set_input(std::move(bytes));
  buffer.set_output(output);
  plan.outputs.push_back({reinterpret_cast<void*>(address), size});
  return {};
}

// What is read at home is gone there: so no more than the program has a place for, and if it has
// none, the kernel at home says what comes of it.
Plan plan_read(HostPid guest, const NotifiedCall& call) {
  HomeCallPlan plan = plain(call);
  const std::uint64_t wanted = std::min(call.args[2], kMaxTransfer);
  LLRUN_TRY_ASSIGN(const auto writable, WritableMemory::of(guest));
  const std::uint64_t size = writable.bytes_from(call.args[1], wanted);
  if (size == 0 && wanted != 0) return std::nullopt;
  plan.call.set_arguments(2, size);
  add_output(plan, 1, call.args[1], size);
  return plan;
}

Plan plan_readv(HostPid guest, const NotifiedCall& call) {
  if (call.args[2] > IOV_MAX) return std::nullopt;
  std::vector<iovec> pieces(call.args[2]);
  LLRUN_TRY(tracer::read_memory(guest, {call.args[1]}, std::as_writable_bytes(std::span(pieces))));
  LLRUN_TRY_ASSIGN(const auto writable, WritableMemory::of(guest));
  HomeCallPlan plan = plain(call);
  plan.form = AnswerForm::kScattered;
  std::uint64_t total = 0;
  for (const iovec& piece : pieces) {
    const auto wanted = std::min<std::uint64_t>(piece.iov_len, kMaxTransfer - total);
    const auto size = writable.bytes_from(reinterpret_cast<std::uint64_t>(piece.iov_base), wanted);
    total += size;
    if (size == wanted) continue;
    if (total == 0) return std::nullopt;
    break;
  }
  plan.call.set_number(SYS_read);
  plan.call.set_arguments(2, total);
  add_output(plan, 1, 0, total);
  plan.outputs = std::move(pieces);
  return plan;
}

// To a file whose size is limited: in one piece, as the kernel would.
Plan plan_write(HostPid guest, const NotifiedCall& call) {
  if (call.args[2] > kMaxTransfer) return std::nullopt;
  HomeCallPlan plan = plain(call);
  LLRUN_TRY(add_input(plan, guest, 1, call.args[1], call.args[2], false));
  return plan;
}

Plan plan_writev(HostPid guest, const NotifiedCall& call) {
  if (call.args[2] > IOV_MAX) return std::nullopt;
  std::vector<iovec> pieces(call.args[2]);
  LLRUN_TRY(tracer::read_memory(guest, {call.args[1]}, std::as_writable_bytes(std::span(pieces))));
  std::string bytes;
  for (const iovec& piece : pieces) {
    if (piece.iov_len > kMaxTransfer - bytes.size()) return std::nullopt;
    std::string part(piece.iov_len, '\0');
    LLRUN_TRY(tracer::read_memory(guest, {reinterpret_cast<std::uint64_t>(piece.iov_base)},
                                  std::as_writable_bytes(std::span(part))));
    bytes += part;
  }
  HomeCallPlan plan = plain(call);
  plan.call.set_number(SYS_write);
  plan.call.set_arguments(2, bytes.size());
  auto& buffer = *plan.call.add_buffers();
  buffer.set_argument(1);
  buffer.set_size(bytes.size());
  buffer.set_input(std::move(bytes));
  return plan;
}

// The limit of file sizes is the shadow's, too: it writes the files whose offset is kept at home.
Plan plan_size_limit(HostPid guest, const NotifiedCall& call) {
  const unsigned first = call.number == SYS_prlimit64 ? 1 : 0;  // the resource
  if (static_cast<std::uint32_t>(call.args[first]) != RLIMIT_FSIZE || call.args[first + 1] == 0)
    return std::nullopt;
  if (call.number == SYS_prlimit64 && static_cast<pid_t>(call.args[0]) != 0) return std::nullopt;
  HomeCallPlan plan;
  plan.call.set_number(SYS_setrlimit);
  plan.call.add_arguments(RLIMIT_FSIZE);
  plan.call.add_arguments(0);
  LLRUN_TRY(add_input(plan, guest, 1, call.args[first + 1], sizeof(rlimit), false));
  plan.then_natively = true;
  return plan;
}

// More groups than a home call has room for are more than nearly any kernel gives a user.
Plan plan_getgroups(const NotifiedCall& call) {
  constexpr std::uint64_t kMostGroups = kMaxTransfer / sizeof(gid_t);
  const std::uint64_t wanted = call.args[0] & 0xffffffff;
  if (wanted > kMostGroups) return std::nullopt;
  HomeCallPlan plan = plain(call);
  if (wanted != 0) add_output(plan, 1, call.args[1], wanted * sizeof(gid_t));
  return plan;
}

Plan plan_question(const NotifiedCall& call, std::uint64_t answer_bytes) {
  HomeCallPlan plan = plain(call);
  if (call.args[1] != 0) add_output(plan, 1, call.args[1], answer_bytes);
  return plan;
}

// A signal to others, with what the program says of it.
Plan plan_queued_signal(HostPid guest, const NotifiedCall& call, unsigned info) {
  HomeCallPlan plan = plain(call);
  LLRUN_TRY(add_input(plan, guest, info, call.args[info], sizeof(siginfo_t), false));
  return plan;
}

Plan plan_ioctl(HostPid guest, const NotifiedCall& call) {
  const auto shape = tracer::terminal_ioctl(call.args[1]);
  if (!shape) return std::nullopt;
  HomeCallPlan plan = plain(call);
  if (shape->by_value || shape->size == 0) return plan;
  if (shape->reads)
    LLRUN_TRY(add_input(plan, guest, 2, call.args[2], shape->size, shape->writes));
  else
    add_output(plan, 2, call.args[2], shape->size);
  return plan;
}

Plan plan_fcntl(const NotifiedCall& call) {
  if (call.args[1] == F_GETPIPE_SZ) return plain(call);
  if (call.args[1] != F_SETFL) return std::nullopt;
  HomeCallPlan plan = plain(call);
  plan.then_natively = true;
  return plan;
}

// The kernel writes revents also when a signal ends the wait, then with nothing in it.
Plan plan_poll(HostPid guest, const NotifiedCall& call) {
  HomeCallPlan plan = plain(call);
  plan.restarts = false;
  plan.form = AnswerForm::kPollEntries;
  LLRUN_TRY(add_input(plan, guest, 0, call.args[0], call.args[1] * sizeof(pollfd), true));
  plan.call.mutable_buffers(0)->set_written_always(true);
  return plan;
}

// The sets are as long as the descriptors that are asked about, in whole words: the program need
// not have more memory than that there.
std::uint64_t set_bytes(int descriptors) {
  constexpr std::uint64_t kWordBits = 64;
  return (static_cast<std::uint64_t>(descriptors) + kWordBits - 1) / kWordBits * sizeof(long);
}

// The time that is left is written whatever comes of the call, unless there was none to begin with
// (fs/select.c, poll_select_finish).
Result<> add_timeout(HomeCallPlan& plan, HostPid guest, std::uint64_t address) {
  LLRUN_TRY_ASSIGN(const auto time, tracer::read_value<timeval>(guest, {address}));
  const bool written = time.tv_sec != 0 || time.tv_usec != 0;
  plan.optional_output = plan.call.buffers_size();
  LLRUN_TRY(add_input(plan, guest, 4, address, sizeof time, written));
  plan.call.mutable_buffers(*plan.optional_output)->set_written_always(written);
  return {};
}

Plan plan_select(HostPid guest, const NotifiedCall& call) {
  HomeCallPlan plan = plain(call);
  plan.restarts = false;
  const auto count = static_cast<int>(call.args[0]);
  plan.call.set_arguments(0, static_cast<std::uint64_t>(count));  // an int, whatever is above it
  for (unsigned set = 1; set <= 3; ++set)
    if (call.args[set] != 0)
      LLRUN_TRY(add_input(plan, guest, set, call.args[set], set_bytes(count), true));
  if (call.args[4] != 0) LLRUN_TRY(add_timeout(plan, guest, call.args[4]));
  return plan;
}

class Tally {
 public:
  explicit Tally(const IsHomeDescriptor& is_home) : is_home_(is_home) {}
  void count(int fd) { (is_home_(fd) ? home_ : own_) = true; }
  [[nodiscard]] WaitsFor result() const {
    if (!home_) return WaitsFor::kOnlyOwn;
    return own_ ? WaitsFor::kBoth : WaitsFor::kOnlyHome;
  }

 private:
  const IsHomeDescriptor& is_home_;
  bool home_ = false;
  bool own_ = false;
};

Result<WaitsFor> poll_waits_for(HostPid guest, const NotifiedCall& call,
                                const IsHomeDescriptor& is_home) {
  if (call.args[1] > kMaxPollEntries) return WaitsFor::kBoth;
  std::vector<pollfd> entries(call.args[1]);
  LLRUN_TRY(tracer::read_memory(guest, {call.args[0]}, std::as_writable_bytes(std::span(entries))));
  Tally tally(is_home);
  for (const pollfd& entry : entries)
    if (entry.fd >= 0) tally.count(entry.fd);
  return tally.result();
}

Result<WaitsFor> select_waits_for(HostPid guest, const NotifiedCall& call,
                                  const IsHomeDescriptor& is_home) {
  const auto count = static_cast<int>(call.args[0]);
  if (count < 0 || count > FD_SETSIZE) return WaitsFor::kBoth;
  Tally tally(is_home);
  for (unsigned which = 1; which <= 3; ++which) {
    if (call.args[which] == 0) continue;
    std::bitset<FD_SETSIZE> set;
    LLRUN_TRY(
        tracer::read_memory(guest, {call.args[which]},
                            std::as_writable_bytes(std::span(&set, 1)).first(set_bytes(count))));
    for (int fd = 0; fd < count; ++fd)
      if (set.test(static_cast<std::size_t>(fd))) tally.count(fd);
  }
  return tally.result();
}

}  // namespace

Result<std::optional<HomeCallPlan>> plan_home_call(HostPid guest, const NotifiedCall& call,
                                                   const IsHomeDescriptor& is_home) {
  switch (call.number) {
    case SYS_read:
      return plan_read(guest, call);
    case SYS_readv:
      return plan_readv(guest, call);
    case SYS_write:
      return plan_write(guest, call);
    case SYS_writev:
      return plan_writev(guest, call);
    case SYS_setrlimit:
    case SYS_prlimit64:
      return plan_size_limit(guest, call);
    case SYS_ioctl:
      return plan_ioctl(guest, call);
    case SYS_lseek:
      return plain(call);
    case SYS_fcntl:
      return plan_fcntl(call);
    case SYS_getgroups:
      return plan_getgroups(call);
    case SYS_getpriority:
    case SYS_getpgid:
    case SYS_getsid:
    case SYS_sched_getscheduler:
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
      return plain(call);
    case SYS_sched_getparam:
      return plan_question(call, sizeof(sched_param));
    case SYS_sched_rr_get_interval:
      return plan_question(call, sizeof(timespec));
    case SYS_rt_sigqueueinfo:
      return plan_queued_signal(guest, call, 2);
    case SYS_rt_tgsigqueueinfo:
      return plan_queued_signal(guest, call, 3);
    case SYS_poll:
    case SYS_select: {
      LLRUN_TRY_ASSIGN(const WaitsFor what, waits_for(guest, call, is_home));
      if (what != WaitsFor::kOnlyHome) return std::nullopt;
      return call.number == SYS_poll ? plan_poll(guest, call) : plan_select(guest, call);
    }
    default:
      return std::nullopt;
  }
}

namespace {

void shorten_poll(HomeCallPlan& plan, std::chrono::nanoseconds waited) {
  const auto timeout = static_cast<std::int32_t>(plan.call.arguments(2));
  if (timeout <= 0) return;
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(waited).count();
  plan.call.set_arguments(2,
                          static_cast<std::uint64_t>(std::max<std::int64_t>(timeout - whole, 0)));
}

Result<> shorten_select(HostPid guest, HomeCallPlan& plan, std::chrono::nanoseconds waited) {
  if (plan.outputs.empty() || plan.call.arguments(4) == 0) return {};
  const int last = plan.call.buffers_size() - 1;
  auto& bytes = *plan.call.mutable_buffers(last)->mutable_input();
  timeval left{};
  if (plan.call.buffers(last).argument() != 4 || bytes.size() != sizeof left) return {};
  std::memcpy(&left, bytes.data(), sizeof left);
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(waited);
  const auto rest =
      std::max(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) - whole,
               std::chrono::microseconds(0));
  left.tv_sec = rest.count() / 1'000'000;
  left.tv_usec = rest.count() % 1'000'000;
  std::memcpy(bytes.data(), &left, sizeof left);
  const auto at = reinterpret_cast<std::uint64_t>(plan.outputs.back().iov_base);
  return tracer::write_value(guest, {at}, left);
}

}  // namespace

Result<> shorten(HostPid guest, HomeCallPlan& plan, std::chrono::nanoseconds waited) {
  switch (plan.call.number()) {
    case SYS_poll:
      shorten_poll(plan, waited);
      return {};
    case SYS_select:
      return shorten_select(guest, plan, waited);
    default:
      return {};
  }
}

Result<WaitsFor> waits_for(HostPid guest, const NotifiedCall& call,
                           const IsHomeDescriptor& is_home) {
  switch (call.number) {
    case SYS_poll:
    case SYS_ppoll:
      return poll_waits_for(guest, call, is_home);
    case SYS_select:
    case SYS_pselect6:
      return select_waits_for(guest, call, is_home);
    default:
      // epoll: what is at home is never put into one (epoll_ctl brings the program home).
      return WaitsFor::kOnlyOwn;
  }
}

}  // namespace llrun
