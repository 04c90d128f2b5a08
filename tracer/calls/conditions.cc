#include "tracer/calls/conditions.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

namespace llrun {
namespace {

using Conjunctions = std::vector<Conjunction>;

constexpr std::uint64_t kLow32 = 0xffffffff;

// Values newer than the oldest headers this is built with.
constexpr int kMadvCollapse = 25;                     // MADV_COLLAPSE, Linux 6.1
constexpr int kPrGetMdwe = 66;                        // PR_GET_MDWE, Linux 6.3
constexpr int kFDupfdQuery = 1027;                    // F_DUPFD_QUERY, Linux 6.10
constexpr int kFCreatedQuery = 1028;                  // F_CREATED_QUERY, Linux 6.12
constexpr std::uint64_t kCloseRangeCloexec = 1 << 2;  // CLOSE_RANGE_CLOEXEC
constexpr std::uint64_t kPlainPipe = O_CLOEXEC | O_NONBLOCK;
constexpr int kPidfdSelfThread = -10000;       // PIDFD_SELF_THREAD, Linux 6.14
constexpr int kPidfdSelfThreadGroup = -10001;  // PIDFD_SELF_THREAD_GROUP

Condition equals32(unsigned arg, std::uint64_t value) {
  return {static_cast<std::uint8_t>(arg), kLow32, value & kLow32};
}

Condition equals32(unsigned arg, int value) {
  return equals32(arg, static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)));
}

Condition masked(unsigned arg, std::uint64_t mask, std::uint64_t value) {
  return {static_cast<std::uint8_t>(arg), mask, value};
}

template <typename T>
Conjunctions any_of(unsigned arg, std::initializer_list<T> values) {
  Conjunctions all;
  for (const T value : values) all.push_back({equals32(arg, value)});
  return all;
}

// Reading requests only answer ENOTTY where there is no terminal; on home's terminals they are home
// uses. Python asks TCGETS of every file that it opens.
Conjunctions ioctl_requests() {
  return any_of<std::uint64_t>(1, {FIOCLEX, FIONCLEX, FIONBIO, FIONREAD, TCGETS, TIOCGWINSZ});
}

// O_ASYNC would ask for signals whose receiver (F_SETOWN) is not carried.
Conjunctions fcntl_commands() {
  auto all = any_of(1, {F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ,
                        kFDupfdQuery, kFCreatedQuery});
  all.push_back({equals32(1, F_SETFL), masked(2, O_ASYNC, 0)});
  return all;
}

Conjunctions prctl_options() {
  return any_of(0, {PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,
                    PR_GET_TID_ADDRESS, PR_GET_DUMPABLE, PR_GET_CHILD_SUBREAPER, PR_GET_KEEPCAPS,
                    PR_GET_NO_NEW_PRIVS, PR_GET_THP_DISABLE, kPrGetMdwe});
}

Conjunctions arch_prctl_codes() {
  return any_of(0, {ARCH_SET_FS, ARCH_GET_FS, ARCH_SET_GS, ARCH_GET_GS});
}

// Private mappings of anything, and shared ones without a file. MAP_DROPPABLE and the validated
// types bring home with the shared files.
Conjunctions map_flags() {
  constexpr std::uint64_t kOdd = MAP_HUGETLB | MAP_GROWSDOWN;
  return {{masked(3, MAP_TYPE | kOdd, MAP_PRIVATE)},
          {masked(3, MAP_TYPE | MAP_ANONYMOUS | kOdd, MAP_SHARED | MAP_ANONYMOUS)}};
}

// What stays out: DONTFORK, WIPEONFORK and their undoing, merging, poisoning, guard pages.
Conjunctions advice() {
  return any_of(2,
                {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
                 MADV_REMOVE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_COLD,
                 MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, kMadvCollapse});
}

Conjunctions clocks() {
  return any_of(0, {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                    CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM,
                    CLOCK_BOOTTIME_ALARM, CLOCK_TAI});
}

// Of timer_create. Not a thread's CPU time (whose, the kernel does not tell) nor that of others.
Conjunctions timer_clocks() {
  return any_of(
      0, {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID});
}

Conjunctions node_types(const CallRow& row) {
  const unsigned mode = row.name == "mknod" ? 1 : 2;
  return {
      {masked(mode, S_IFMT, 0)}, {masked(mode, S_IFMT, S_IFREG)}, {masked(mode, S_IFMT, S_IFIFO)}};
}

// Only a directory can be opened with O_DIRECTORY, whatever the path means. O_TMPFILE contains that
// flag, and O_PATH would open anything.
Conjunctions directory_opens(const CallRow& row) {
  if (row.name != "open" && row.name != "openat") return {};
  const unsigned flags = row.name == "open" ? 1 : 2;
  return {{masked(flags, O_DIRECTORY | O_TMPFILE | O_CREAT | O_PATH, O_DIRECTORY)}};
}

Conjunctions signals_to(const CallRow& row, std::optional<GuestPid> self) {
  if (row.name == "pidfd_send_signal") return any_of(0, {kPidfdSelfThread, kPidfdSelfThreadGroup});
  if (!self || row.name == "tkill") return {};  // a thread id alone does not say whose it is
  return any_of(0, {self->value});
}

Conjunctions itself(std::optional<GuestPid> self) {
  auto all = any_of(0, {0});
  if (self) all.push_back({equals32(0, self->value)});
  return all;
}

// Any resource but RLIMIT_FSIZE, which home has to know: files whose offset is kept at home are
// written there; and RLIMIT_CORE, of which this node's kernel is told something else. A number is
// another one if the bits that these two are of are equal, or if some other bit is set; a number
// that is none at all may be asked for anywhere.
Conjunctions other_limits(unsigned arg) {
  static_assert(RLIMIT_FSIZE == 1 && RLIMIT_CORE == 4);
  constexpr std::uint64_t kTheirs = RLIMIT_FSIZE | RLIMIT_CORE;
  Conjunctions all{{masked(arg, kTheirs, 0)}, {masked(arg, kTheirs, kTheirs)}};
  for (std::uint64_t bit = 2; bit <= 0x80; bit <<= 1)
    if ((bit & kTheirs) == 0) all.push_back({masked(arg, bit, bit)});
  return all;
}

Conjunctions limits(const CallRow& row) {
  auto all = other_limits(0);
  if (row.name == "getrlimit") all.push_back({equals32(0, RLIMIT_FSIZE)});
  return all;
}

Conjunctions limits_of_itself(std::optional<GuestPid> self) {
  Conjunctions all;
  for (const auto& who : itself(self)) {
    all.push_back(who);
    all.back().push_back(equals32(1, RLIMIT_FSIZE));
    all.back().push_back(masked(2, ~std::uint64_t{0}, 0));  // only asked for
    for (const auto& other : other_limits(1)) {
      all.push_back(who);
      all.back().insert(all.back().end(), other.begin(), other.end());
    }
  }
  return all;
}

struct DescriptorUse {
  std::string_view call;
  unsigned arg;
};

// Calls that read what only home can give.
constexpr DescriptorUse kReads[] = {
    {"read", 0},     {"readv", 0},  {"pread64", 0}, {"preadv", 0},          {"preadv2", 0},
    {"sendfile", 1}, {"splice", 0}, {"tee", 0},     {"copy_file_range", 0}, {"epoll_ctl", 2},
};

// Calls that use or move a file's offset, or touch bytes that are written at home past the file
// view's cache.
constexpr DescriptorUse kOffsets[] = {
    {"read", 0},      {"readv", 0},           {"pread64", 0},    {"preadv", 0},
    {"preadv2", 0},   {"write", 0},           {"writev", 0},     {"pwrite64", 0},
    {"pwritev", 0},   {"pwritev2", 0},        {"lseek", 0},      {"sendfile", 0},
    {"sendfile", 1},  {"splice", 0},          {"splice", 2},     {"copy_file_range", 0},
    {"getdents", 0},  {"copy_file_range", 2}, {"getdents64", 0}, {"ftruncate", 0},
    {"fallocate", 0}, {"fsync", 0},           {"fdatasync", 0},  {"sync_file_range", 0},
};

// Calls after which numbers mean something else.
constexpr DescriptorUse kRenumbers[] = {
    {"dup", 0}, {"dup2", 0}, {"dup2", 1}, {"dup3", 0}, {"dup3", 1}, {"close", 0},
};

// Calls that wait for any of many descriptors, named in memory where a filter cannot look.
constexpr std::string_view kWaits[] = {
    "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2",
};

class HomeUses {
 public:
  void add(std::span<const DescriptorUse> uses, int fd) {
    for (const auto& use : uses) add(use.call, {equals32(use.arg, fd)});
  }
  void add(std::string_view call, Conjunction when) {
    all_.push_back({find_call(call)->number, std::move(when)});
  }
  // What the descriptor's own status and number are about; its flags are shared with home's other
  // readers.
  void add_common(int fd) {
    add(kRenumbers, fd);
    for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_SETFL, F_GETPIPE_SZ})
      add("fcntl", {equals32(0, fd), equals32(1, command)});
    for (const std::uint64_t request : {FIONBIO, FIONREAD})
      add("ioctl", {equals32(0, fd), equals32(1, request)});
  }
  std::vector<HomeUse> take() { return std::move(all_); }

 private:
  std::vector<HomeUse> all_;
};

Conjunctions always_unless(bool asked) {
  return asked ? Conjunctions{} : Conjunctions{Conjunction{}};
}

std::vector<int> numbers_of(const HomeDescriptors& home) {
  std::vector<int> all;
  for (const auto* list : {&home.input, &home.terminals, &home.offsets})
    all.insert(all.end(), list->begin(), list->end());
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

}  // namespace

bool holds(const Conjunction& all, const CallArgs& args) {
  return std::ranges::all_of(all, [&](const Condition& one) { return one.holds(args); });
}

std::vector<Conjunction> native_when(const CallRow& row, const CallContext& context) {
  switch (row.decision) {
    case Decision::kNone:
    case Decision::kCloneFlags:
      return {};
    case Decision::kIoctlRequest:
      return ioctl_requests();
    case Decision::kFcntlCommand:
      return fcntl_commands();
    case Decision::kPrctlOption:
      return prctl_options();
    case Decision::kArchPrctlCode:
      return arch_prctl_codes();
    case Decision::kMapFlags:
      return map_flags();
    case Decision::kAdvice:
      return advice();
    case Decision::kPipeFlags:
      return {{masked(1, kLow32 & ~kPlainPipe, 0)}};
    case Decision::kCloseRangeFlags:
      return {{masked(2, kLow32 & ~kCloseRangeCloexec, 0)}};
    case Decision::kLockFlags:
      return any_of(2, {0});
    case Decision::kMembarrierCommand:
      return any_of<int>(0, {MEMBARRIER_CMD_QUERY, MEMBARRIER_CMD_GLOBAL});
    case Decision::kPersonality:
      return any_of(0, {-1});
    case Decision::kProtectionKey:
      return any_of(3, {-1});
    case Decision::kNodeType:
      return node_types(row);
    case Decision::kClockId:
      return row.name == "timer_create" ? timer_clocks() : clocks();
    case Decision::kCpuTime:
      return row.name == "clock_gettime" ? clocks() : Conjunctions{};
    case Decision::kTarget:
      return row.name == "prlimit64" ? limits_of_itself(context.self) : itself(context.self);
    case Decision::kLimit:
      return limits(row);
    case Decision::kSignalTarget:
      return signals_to(row, context.self);
    case Decision::kFileType:
      return directory_opens(row);
    case Decision::kPathChange:
      return always_unless(context.kept.changes_are_asked);
    case Decision::kPathMove:
      return always_unless(context.kept.moves_are_asked);
    case Decision::kWatched:
      return any_of(1, {EPOLL_CTL_DEL, EPOLL_CTL_MOD});
    case Decision::kEnding:
      return {};
  }
  return {};
}

std::vector<Conjunction> never_when(const CallRow& row) {
  if (row.name == "socket" || row.name == "socketpair")
    return any_of(0, {AF_VSOCK, AF_ALG, AF_PACKET, AF_XDP, AF_KEY, AF_QIPCRTR, AF_BLUETOOTH, AF_CAN,
                      AF_TIPC, AF_SMC, AF_RDS, AF_NFC});
  if (row.decision != Decision::kCloneFlags || row.name != "clone") return {};
  Conjunctions all;
  for (const std::uint64_t flag : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                   CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET})
    all.push_back({masked(0, flag, flag)});
  return all;
}

std::vector<HomeUse> home_uses(const HomeDescriptors& home) {
  HomeUses uses;
  for (const int fd : numbers_of(home)) uses.add_common(fd);
  for (const int fd : home.input) uses.add(kReads, fd);
  for (const int fd : home.offsets) uses.add(kOffsets, fd);
  for (const int fd : home.terminals) uses.add("ioctl", {equals32(0, fd)});
  if (!home.input.empty())
    for (const auto call : kWaits) uses.add(call, {});
  if (home.any()) uses.add("close_range", {});  // a range cannot be compared by halves without gaps
  return uses.take();
}

}  // namespace llrun
