// What the file view relies on the kernel for. A kernel that fails one of these behaves otherwise
// than fuse_relay.h, file_view_mount.h and home_view.cc say.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

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

// A thread waits for an answer while the relay ends: ECONNABORTED.
TEST(Kernel, FailsWaitingRequestsWhenAborted) {
  TemporaryTree place;
  auto sockets = make_socketpair(SOCK_SEQPACKET).value();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto uid = ::geteuid(), gid = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(1);
    const auto put = [](const char* path, const std::string& text) {
      write_text(Fd(::open(path, O_WRONLY)).get(), text);
    };
    put("/proc/self/setgroups", "deny");
    put("/proc/self/uid_map", fmt::format("{} {} 1", uid, uid));
    put("/proc/self/gid_map", fmt::format("{} {} 1", gid, gid));
    {
      const auto device = open_fuse_device();
      if (!device || !mount_in_world(*device, place.path(), {.uid = uid, .gid = gid})) ::_exit(2);
      const int fds[] = {device->get()};
      if (!send_fds(sockets.second.get(), std::as_bytes(std::span("f", 1)), fds)) ::_exit(3);
    }
    const auto answered = await_home(place.path());
    ::_exit(answered ? 0 : answered.error().errno_value);
  }
  auto received = receive_fds(sockets.first.get(), 1).value();
  std::size_t seen = 0;
  auto relay = FuseRelay::create(std::move(received.fds.at(0)), [&](Frame) { ++seen; }).value();
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
