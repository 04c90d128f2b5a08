#include "tests/kernel/homefs/world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"

namespace llrun::homefs::testing {
namespace {

constexpr uid_t kOrdinary = 2345;

// In the child, where nothing can be asserted: say what failed and end.
[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "world: %s: %s\n", what.c_str(), std::strerror(errno));
  ::_exit(99);
}
void must(bool done, const std::string& what) {
  if (!done) fail(what);
}
template <typename T>
T must(Result<T> result, const char* what) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    fail(what);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void write_text(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY);
  must(fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()), path);
  ::close(fd);
}

void drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2]{};
  must(::syscall(SYS_capset, &header, none) == 0, "capset");
}

void enter_namespaces() {
  const auto uid = ::geteuid();
  const auto gid = ::getegid();
  must(::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
  write_text("/proc/self/setgroups", "deny");
  write_text("/proc/self/uid_map", fmt::format("{} {} 1", uid, uid));
  write_text("/proc/self/gid_map", fmt::format("{} {} 1", gid, gid));
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
}

void make_root(const std::string& place) {
  must(::chdir(place.c_str()) == 0, "chdir to the view");
  must(::mount("/proc", "proc", nullptr, MS_BIND | MS_REC, nullptr) == 0, "bind /proc");
  must(::mount("/dev", "dev", nullptr, MS_BIND | MS_REC, nullptr) == 0, "bind /dev");
  must(::syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
  must(::umount2(".", MNT_DETACH) == 0, "let go of the old root");
  must(::chdir("/") == 0, "chdir /");
}

[[noreturn]] void be_guest(const World::Setup& setup, const std::string& place, Fd socket,
                           const GuestBody& body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter_namespaces();
  {
    const auto devices =
        must(open_view(place, {.uid = ::geteuid(), .gid = ::getegid()}), "mount the view");
    const int fds[] = {devices.requests.get(), devices.notices.get()};
    must(send_fds(socket.get(), bytes_of(std::string_view("f")), fds), "send /dev/fuse");
  }
  must(await_home(place), "await home");
  if (setup.pivot) make_root(place);
  if (!setup.keep_capabilities) drop_capabilities();
  Guest guest(setup.pivot ? "" : place, socket.get());
  const auto result = "=" + body(guest);
  static_cast<void>(::send(socket.get(), result.data(), result.size(), MSG_NOSIGNAL));
  ::_exit(0);
}

std::string receive(int socket) {
  std::string text(65536, 0);
  const auto count = ::recv(socket, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

}  // namespace

std::string Guest::ask(const std::string& question) {
  const auto text = "?" + question;
  must(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) >= 0, "ask");
  return receive(socket_).substr(1);
}

std::string World::run(const GuestBody& body) {
  TemporaryTree place;
  auto sockets = make_socketpair(SOCK_SEQPACKET).value();
  child_ = ::fork();  // before any thread is started
  if (child_ == 0) {
    sockets.first.reset();
    be_guest(setup_, place.path(), std::move(sockets.second), body);
  }
  sockets.second.reset();
  serve(sockets.first.get());
  relay_.reset();
  int status = 0;
  ::waitpid(child_, &status, 0);
  server_.reset();
  loop_.reset();
  if (WIFSIGNALED(status)) return fmt::format("the guest died by signal {}", WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? result_ : "the world could not be made";
}

void World::start_server() {
  server_ =
      HomeFileServer::start(setup_.server, {.send =
                                                [this](Frame frame) {
                                                  loop_->post([this, frame = std::move(frame)] {
                                                    if (relay_)
                                                      static_cast<void>(relay_->write_reply(frame));
                                                  });
                                                },
                                            .on_release = setup_.on_release})
          .value();
}

void World::serve(int socket) {
  auto first = receive_fds(socket, 1);
  if (!first || first->fds.size() != 2) return;
  loop_ = EventLoop::create().value();
  start_server();
  relay_ =
      FuseRelay::create({std::move(first->fds[0]), std::move(first->fds[1])}, [this](Frame frame) {
        ++requests_;
        server_->submit(std::move(frame)).value();
      }).value();
  loop_
      ->watch(relay_->fd(), EPOLLIN,
              [this](std::uint32_t) {
                if (relay_ && !relay_->on_readable()) loop_->unwatch(relay_->fd());
              })
      .value();
  loop_->watch(socket, EPOLLIN, [this, socket](std::uint32_t) { answer(socket); }).value();
  loop_->run();
}

void World::end_relay() {
  loop_->unwatch(relay_->fd());
  relay_.reset();
}

void World::answer(int socket) {
  const auto text = receive(socket);
  if (text.empty()) return loop_->stop();
  if (text[0] == '=') {
    result_ = text.substr(1);
    return;
  }
  const auto reply = "!" + (setup_.on_ask ? setup_.on_ask(*this, text.substr(1)) : "");
  static_cast<void>(::send(socket, reply.data(), reply.size(), MSG_NOSIGNAL));
}

TemporaryTree::TemporaryTree() : path_("/tmp/llrun-homefs-XXXXXX") {
  LLRUN_CHECK(::mkdtemp(path_.data()) != nullptr, path_);
}

TemporaryTree::~TemporaryTree() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void become_ordinary_user() {
  if (::geteuid() != 0) return;
  static_cast<void>(::chmod("/dev/fuse", 0666));
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  LLRUN_CHECK(::setgroups(0, nullptr) == 0 && ::setgid(kOrdinary) == 0 && ::setuid(kOrdinary) == 0,
              "become an ordinary user");
  ::prctl(PR_SET_DUMPABLE, 1);  // as a program that was started by that user is
}

}  // namespace llrun::homefs::testing
