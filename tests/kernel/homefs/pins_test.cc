// What the file view relies on the kernel for. A kernel that fails one of these behaves otherwise
// than fuse_relay.h, file_view_mount.h and home_view.cc say.
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/bytes.h"
#include "tests/kernel/homefs/files.h"
#include "tests/kernel/homefs/world.h"

namespace llrun::homefs::testing {
namespace {

// Run `body` in a child that ends with what it returns.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// fs/fuse/inode.c, fuse_fill_super: hence open_fuse_device() inside the world.
TEST(Kernel, RefusesAFuseDeviceOpenedInAnotherUserNamespace) {
  TemporaryTree place;
  const auto device = open_fuse_device().value();
  EXPECT_EQ(in_child([&] {
              if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 255;
              const auto mounted =
                  mount_in_world(device, place.path(), {.uid = 65534, .gid = 65534});
              return mounted ? 0 : mounted.error().errno_value;
            }),
            EINVAL);
}

// A fresh root belongs to id 0, which the world does not map: hence await_home().
TEST(Kernel, RefusesToCreateUnderAnOwnerItCannotMap) {
  TemporaryTree tree;
  ::mkdir((tree / "open").c_str(), 0777);
  // The server is told of other ids than the world maps, so that it lends out wrong ones.
  World world({.server = {.root = tree.path(), .uid = 1, .gid = 1}});
  EXPECT_EQ(world.run([](Guest& guest) {
    return outcome(::mkdir(guest.path("/open/new").c_str(), 0755));
  }),
            "EACCES");
}

// The descriptor's last copy closes: what is under way and what comes after fails with words, and
// does not hang.
TEST(Kernel, AbortsTheConnectionWithTheLastDescriptor) {
  TemporaryTree tree;
  spit(tree / "f", "x");
  World world({.server = {.root = tree.path()}, .on_ask = [](World& w, const std::string&) {
                 w.end_relay();
                 return std::string();
               }});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    const int fd = ::open(guest.path("/f").c_str(), O_RDONLY);
    guest.ask("end");
    struct stat attributes;
    WANT(outcome(::stat(guest.path("/never seen").c_str(), &attributes)), "ENOTCONN");
    char byte;
    const auto seen = outcome(::read(fd, &byte, 1));
    return seen == "ENOTCONN" || seen == "ECONNABORTED" || seen == "EIO" ? "" : seen;
  }),
            "");
}

// In a child: a view in namespaces of its own, whose devices go to `socket`.
void mount_for(int socket, const std::string& place) {
  const auto uid = ::geteuid(), gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(1);
  const auto put = [](const char* path, const std::string& text) {
    write_text(Fd(::open(path, O_WRONLY)).get(), text);
  };
  put("/proc/self/setgroups", "deny");
  put("/proc/self/uid_map", fmt::format("{} {} 1", uid, uid));
  put("/proc/self/gid_map", fmt::format("{} {} 1", gid, gid));
  const auto devices = open_view(place, {.uid = uid, .gid = gid});
  if (!devices) ::_exit(2);
  const int fds[] = {devices->requests.get(), devices->notices.get()};
  if (!send_fds(socket, std::as_bytes(std::span("f", 1)), fds)) ::_exit(3);
}

ViewDevices receive_devices(int socket) {
  auto received = receive_fds(socket, 1).value();
  return {std::move(received.fds.at(0)), std::move(received.fds.at(1))};
}

// A thread waits for an answer while the relay ends: ECONNABORTED.
TEST(Kernel, FailsWaitingRequestsWhenAborted) {
  TemporaryTree place;
  auto sockets = make_socketpair(SOCK_SEQPACKET).value();
  const pid_t child = ::fork();
  if (child == 0) {
    mount_for(sockets.second.get(), place.path());
    const auto answered = await_home(place.path());
    ::_exit(answered ? 0 : answered.error().errno_value);
  }
  std::size_t seen = 0;
  auto relay =
      FuseRelay::create(receive_devices(sockets.first.get()), [&](Frame) { ++seen; }).value();
  while (seen == 0) {
    pollfd readable{.fd = relay->fd(), .events = POLLIN, .revents = 0};
    ASSERT_GE(::poll(&readable, 1, 30000), 1);
    ASSERT_TRUE(relay->on_readable());
  }
  EXPECT_EQ(relay->pending(), 1U);  // FUSE_INIT, which the child waits for
  relay->abort();
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_TRUE(WEXITSTATUS(status) == ENOTCONN || WEXITSTATUS(status) == ECONNABORTED ||
              WEXITSTATUS(status) == ECONNREFUSED)
      << ::strerrorname_np(WEXITSTATUS(status));
}

// Answers FUSE_INIT and nothing else.
class SilentHome {
 public:
  explicit SilentHome(ViewDevices devices)
      : relay_(FuseRelay::create(std::move(devices), [this](Frame frame) {
                 on_request(frame);
               }).value()) {}
  void serve() {  // until something else has been asked
    while (!asked_) {
      pollfd readable{.fd = relay_->fd(), .events = POLLIN, .revents = 0};
      if (::poll(&readable, 1, -1) == 1) static_cast<void>(relay_->on_readable());
    }
  }

 private:
  void on_request(const Frame& frame) {
    fuse_in_header header;
    std::memcpy(&header, frame.data(), sizeof header);
    asked_ = header.opcode != FUSE_INIT;
    if (asked_) return;
    struct {
      fuse_out_header header;
      fuse_init_out init;
    } reply{};
    reply.header = {.len = sizeof reply, .error = 0, .unique = header.unique};
    reply.init.major = FUSE_KERNEL_VERSION;
    reply.init.minor = FUSE_KERNEL_MINOR_VERSION;
    reply.init.max_write = 4096;
    static_cast<void>(relay_->write_reply(bytes_of(reply)));
  }
  bool asked_ = false;
  std::unique_ptr<FuseRelay> relay_;
};

// A process that relays a view, and one of whose threads waits for a file of it. It says when.
[[noreturn]] void wait_for_own_view(const std::string& file, ViewDevices devices, int tell) {
  SilentHome home(std::move(devices));
  std::thread relaying([&] {
    home.serve();
    static_cast<void>(::send(tell, "w", 1, 0));
    ::pause();
  });
  struct stat attributes;
  static_cast<void>(::stat(file.c_str(), &attributes));
  ::_exit(1);  // somebody has answered
}

// SIGKILL does not end the wait for a request that the server has read; closing the server's
// descriptor does. So the relay's descriptors must not be in the table of the thread that waits.
TEST(Kernel, EndsAKilledRelayThatWaitsForItsOwnView) {
  TemporaryTree place;
  auto guest_line = make_socketpair(SOCK_SEQPACKET).value();
  auto supervisor_line = make_socketpair(SOCK_SEQPACKET).value();
  const pid_t guest = ::fork();
  if (guest == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    mount_for(guest_line.second.get(), place.path());
    ::prctl(PR_SET_DUMPABLE, 1);
    ::pause();
    ::_exit(0);
  }
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto devices = receive_devices(guest_line.first.get());
    wait_for_own_view(fmt::format("/proc/{}/root{}", guest, place.path()), std::move(devices),
                      supervisor_line.second.get());
  }
  guest_line = {};
  char word = 0;
  ASSERT_EQ(::recv(supervisor_line.first.get(), &word, 1, 0), 1);
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, supervisor, 0)));
  ::kill(supervisor, SIGKILL);
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ended, 1, 30000), 1) << "it waits for ever";
  ::kill(guest, SIGKILL);
  int status = 0;
  ::waitpid(guest, &status, 0);
  ::waitpid(supervisor, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

// The relay's own threads hold the devices, and nobody else.
TEST(Kernel, TheRelaysDevicesAreInNoOtherTable) {
  TemporaryTree tree;
  std::string found = "not looked";
  World world(
      {.server = {.root = tree.path()}, .on_ask = [&](World&, const std::string&) -> std::string {
         found.clear();
         for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
           std::error_code gone;
           const auto target = std::filesystem::read_symlink(entry.path(), gone);
           if (target == "/dev/fuse") found += entry.path();
         }
         return "";
       }});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    guest.ask("look");
    return "";
  }),
            "");
  EXPECT_EQ(found, "");
}

// Without allow_other, processes outside the world with the same ids may use its descriptors:
// pidfd_getfd and kIocDescription by the guest's supervisor.
TEST(Kernel, LetsTheSameUserOutsideAskOfADescriptor) {
  TemporaryTree tree;
  spit(tree / "f", "x");
  std::string answer;
  std::atomic<bool> answered = false;
  std::thread supervisor;  // not the relay's thread, which has to bring the answer
  const auto ask_of = [&](pid_t child, int fd) {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    const Fd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0)));
    const auto known = describe(copy.get());
    answer = known ? fmt::format("server {}", known->server) : known.error().message();
    answered = true;
  };
  World world({.server = {.root = tree.path(), .token = 5},
               .on_ask = [&](World& w, const std::string& question) -> std::string {
                 if (question == "answered") return answered ? "yes" : "no";
                 supervisor = std::thread(ask_of, w.child(), std::stoi(question));
                 return "";
               }});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    ::prctl(PR_SET_DUMPABLE, 1);
    const int fd = ::open(guest.path("/f").c_str(), O_RDONLY);
    guest.ask(std::to_string(fd));
    while (guest.ask("answered") == "no") {
    }
    return "";
  }),
            "");
  supervisor.join();
  EXPECT_EQ(answer, "server 5");
}

// Devices do not open on such a mount, whatever their modes, without a request to home.
TEST(Kernel, OpensNoDevices) {
  World world({.server = {.root = "/dev"}});
  EXPECT_EQ(
      world.run([](Guest& guest) { return outcome(::open(guest.path("/null").c_str(), O_RDWR)); }),
      "EACCES");
}

}  // namespace
}  // namespace llrun::homefs::testing
