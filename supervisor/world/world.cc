#include "supervisor/world/world.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/bytes.h"
#include "supervisor/clock/estimate.h"
#include "supervisor/world/calls.h"
#include "supervisor/world/id_map.h"
#include "supervisor/world/warden.h"

namespace llrun {
namespace {

using Clock = MonotonicClock;
// Longer than any network should take to answer two lookups.
constexpr std::chrono::seconds kPatience{60};

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

// Readable, within this time.
bool wait_readable(int fd, Clock::time_point deadline) {
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Result<std::vector<Fd>> receive_reply(int line, const char* whom) {
  if (!wait_readable(line, Clock::now() + kPatience))
    return failure(ErrorCode::kTimeout, std::string("wait for a world's ") + whom);
  auto received = world::receive_message<world::Reply>(line);
  if (!received) {
    if (received.error().code == ErrorCode::kGone || received.error().errno_value == ECONNRESET)
      return failure(ErrorCode::kGone, std::string("a world's ") + whom + " has ended");
    return std::unexpected(received.error());
  }
  LLRUN_TRY(world::result_of(received->first));
  return std::move(received->second);
}

Fd first_of(std::vector<Fd> fds) { return fds.empty() ? Fd() : std::move(fds.front()); }

world::InitPlan init_plan(const protocol::MakeWorld& make, const WorldOptions& options) {
  world::InitPlan plan;
  plan.session = make.session();
  plan.host_name = make.host_name();
  plan.domain_name = make.domain_name();
  plan.options = &options;
  return plan;
}

world::Kinship kinship_of(const protocol::MakeWorld& make) {
  return {make.pid(),
          make.parent(),
          make.session(),
          make.group(),
          make.parent_session(),
          make.parent_group(),
          make.group_orphaned(),
          {make.ancestors().begin(), make.ancestors().end()}};
}

// The sender's process id, in this process's pid namespace (SCM_CREDENTIALS, unix(7)).
Result<HostPid> receive_sender(int line) {
  std::array<char, 1> data{};
  iovec io{data.data(), data.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(line, &message, MSG_CMSG_CLOEXEC) != 1) return system_error("find the guest");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_CREDENTIALS)
    return failure(ErrorCode::kProtocol, "find the guest: its process does not say who it is");
  ucred who{};
  std::memcpy(&who, CMSG_DATA(header), sizeof who);
  return HostPid{who.pid};
}

Result<Fd> open_pidfd(HostPid process) {
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.value, 0)));
  if (!pidfd.valid()) return system_error("watch process " + std::to_string(process.value));
  return pidfd;
}

}  // namespace

struct World::Call {
  world::Operation operation{};
  std::int32_t value = 0;
  bool flag = false;
  std::vector<int> fds{};
};

Result<std::unique_ptr<World>> World::create(const protocol::MakeWorld& make,
                                             WorldOptions options) {
  std::unique_ptr<World> world(new World);
  LLRUN_TRY(world->start(make, options));
  return world;
}

Result<> World::start(const protocol::MakeWorld& make, const WorldOptions& options) {
  world::WardenPlan warden_plan;
  warden_plan.clocks = {make.monotonic_ahead_ns(), make.boottime_ahead_ns()};
  clocks_ = warden_plan.clocks;
  warden_plan.groups.assign(make.groups().begin(), make.groups().end());
  warden_plan.nice = options.nice;
  auto init = init_plan(make, options);
  LLRUN_TRY_ASSIGN(init.kin, world::plan_kin(kinship_of(make)));
  LLRUN_TRY_ASSIGN(auto line, make_socketpair(SOCK_SEQPACKET));
  LLRUN_TRY_ASSIGN(auto command, make_socketpair(SOCK_SEQPACKET));
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("start a world");
  if (pid == 0) {
    line.first.reset();
    command.first.reset();
    world::run_warden(warden_plan, std::move(init), std::move(line.second),
                      std::move(command.second));
  }
  warden_ = HostPid{pid};
  warden_line_ = std::move(line.first);
  command_ = std::move(command.first);
  line.second.reset();
  command.second.reset();

  LLRUN_TRY(receive_reply(warden_line_.get(), "warden"));
  LLRUN_TRY_ASSIGN(
      const auto ids,
      world::write_id_maps(warden_,
                           {make.uid(), make.gid(), {make.groups().begin(), make.groups().end()}}));
  ready_.set_all_users_mapped(ids.all_users);
  ready_.set_all_groups_mapped(ids.all_groups);
  ready_.set_warning(ids.warning);
  LLRUN_TRY(
      world::send_message(warden_line_.get(), world::MapsWritten{ids.all_users, ids.all_groups}));
  LLRUN_TRY_ASSIGN(auto pidfd, receive_reply(warden_line_.get(), "warden"));
  init_pidfd_ = first_of(std::move(pidfd));
  LLRUN_TRY_ASSIGN(view_devices_, receive_reply(command_.get(), "init"));
  return {};
}

World::~World() { [[maybe_unused]] const auto destroyed = destroy(); }

Result<Fd> World::call(const Call& what) {
  const std::lock_guard lock(call_mutex_);
  if (!command_.valid()) return failure(ErrorCode::kGone, "a world's init has ended");
  const world::Request request{what.operation, what.value, what.flag ? 1U : 0U};
  if (const auto sent = world::send_message(command_.get(), request, what.fds); !sent)
    return sent.error().errno_value == EPIPE ? failure(ErrorCode::kGone, "a world's init has ended")
                                             : std::unexpected(sent.error());
  auto reply = receive_reply(command_.get(), "init");
  // A reply that comes too late would be taken for that of the next call.
  if (!reply && reply.error().code == ErrorCode::kTimeout) command_.reset();
  if (!reply) return std::unexpected(reply.error());
  return first_of(std::move(*reply));
}

std::chrono::nanoseconds World::until_clocks_show(std::int64_t monotonic_ns,
                                                  std::int64_t boottime_ns) const {
  auto shown = read_clocks();
  shown.monotonic_ns += clocks_.monotonic_ns;
  shown.boottime_ns += clocks_.boottime_ns;
  return until_shown({monotonic_ns, boottime_ns, 0}, shown);
}

Result<> World::enter_view() {
  LLRUN_TRY(call({world::Operation::kEnterView}));
  return {};
}

Result<Fd> World::open_terminal(const std::string& path, bool controlling) {
  constexpr std::string_view kDirectory = "/dev/pts/";
  int number = -1;
  const char* end = path.data() + path.size();
  if (!path.starts_with(kDirectory) ||
      std::from_chars(path.data() + kDirectory.size(), end, number).ptr != end || number < 0)
    return failure(ErrorCode::kUnsupported,
                   "make the terminal " + path + ": only those of /dev/pts can be made elsewhere");
  return call({world::Operation::kOpenTerminal, number, controlling});
}

Result<World::Guest> World::spawn_guest(const Fd& executable) {
  if (guest_) return failure(ErrorCode::kInvalid, "spawn a guest: the world has one already");
  LLRUN_TRY_ASSIGN(auto line, make_socketpair(SOCK_SEQPACKET));
  const int on = 1;
  if (::setsockopt(line.first.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return system_error("ask for a guest's process id");
  LLRUN_TRY(call({world::Operation::kSpawnGuest, 0, false, {executable.get(), line.second.get()}}));
  LLRUN_TRY_ASSIGN(guest_, receive_sender(line.first.get()));
  LLRUN_TRY_ASSIGN(auto pidfd, open_pidfd(guest_));
  guest_line_ = std::move(line.first);
  return Guest{guest_, std::move(pidfd)};
}

Result<> World::release_guest() {
  if (!guest_line_.valid()) return failure(ErrorCode::kInvalid, "release a guest: none is waiting");
  const Fd line = std::move(guest_line_);
  const char go = 'g';
  if (::send(line.get(), &go, 1, MSG_NOSIGNAL) != 1) return system_error("release a guest");
  return {};
}

Result<> World::set_next_pid(GuestTid id) {
  LLRUN_TRY(call({world::Operation::kSetNextPid, id.value}));
  return {};
}

Result<> World::parent_died(GuestPid heir) {
  LLRUN_TRY(call({world::Operation::kEndParent, heir.value}));
  return {};
}

// A traced thread that has ended stays until its tracer, one of this process's threads, has waited
// for it, and init's end waits for that. Whatever it would say is of no interest any more.
void World::reap_tracees() {
  if (!guest_) return;
  const std::string path = "/proc/" + std::to_string(guest_.value) + "/task";
  int status = 0;
  if (DIR* tasks = ::opendir(path.c_str()); tasks != nullptr) {
    while (const dirent* entry = ::readdir(tasks))
      if (const pid_t tid = std::atoi(entry->d_name); tid > 0 && tid != guest_.value)
        ::waitpid(tid, &status, WNOHANG | __WALL);
    ::closedir(tasks);
  }
  ::waitpid(guest_.value, &status, WNOHANG | __WALL);
}

// Killing process 1 of a pid namespace kills everything in it.
void World::end_all(const Fd& handle) {
  ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
}

Result<> World::destroy(std::chrono::milliseconds timeout) {
  if (!warden_) return {};
  const auto deadline = Clock::now() + timeout;
  guest_line_.reset();
  warden_line_.reset();
  if (init_pidfd_.valid()) {
    end_all(init_pidfd_);
    while (!wait_readable(init_pidfd_.get(),
                          std::min(deadline, Clock::now() + std::chrono::milliseconds(5)))) {
      reap_tracees();
      if (Clock::now() >= deadline)
        return failure(ErrorCode::kTimeout, "end a world: some of its processes do not end");
    }
  } else {
    ::kill(warden_.value, SIGKILL);
  }
  LLRUN_TRY_ASSIGN(const Fd pidfd, open_pidfd(warden_));
  if (!wait_readable(pidfd.get(), deadline))
    return failure(ErrorCode::kTimeout, "end a world: its warden does not end");
  int status = 0;
  ::waitpid(warden_.value, &status, 0);
  warden_ = {};
  command_.reset();
  view_devices_.clear();
  return {};
}

}  // namespace llrun
