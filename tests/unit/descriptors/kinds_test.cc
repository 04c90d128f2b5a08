// Each kind of descriptor, captured or pinned, from a real process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "descriptors/child.h"
#include "pins/expect_pin.h"
#include "tracer/objects/descriptors.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

using test::Child;
using test::TemporaryDirectory;
using Kind = image::Description;

int errno_unless(bool good) { return good ? 0 : errno; }

Result<DescriptorCapture> capture(const Child& child, const CaptureOptions& options = {}) {
  LLRUN_TRY_ASSIGN(const Fd pidfd, open_pidfd(child.pid()));
  return capture_descriptors(child.pid(), pidfd, options);
}

Result<Pins> capture_pins(const Child& child) {
  LLRUN_TRY_ASSIGN(DescriptorCapture it, capture(child));
  return std::move(it.pins);
}

const Kind* find(const DescriptorCapture& it, int fd) {
  for (const auto& number : it.descriptors)
    if (number.number() == fd) return &it.descriptions[number.description()];
  return nullptr;
}

#define CAPTURE(name, child)                                     \
  const auto name##_result = capture(child);                     \
  ASSERT_TRUE(name##_result) << name##_result.error().message(); \
  const DescriptorCapture& name = *name##_result;                \
  ASSERT_TRUE(name.pins.empty()) << test::all_words(name.pins)

TEST(Descriptors, FilesWithTheirOffsetsFlagsAndNumbers) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), "0123456789");
  const Child child = Child::run([&] {
    const int a = ::open(folder.path("a").c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
    const int again = ::open(folder.path("a").c_str(), O_RDONLY);
    ::lseek(a, 4, SEEK_SET);
    ::lseek(again, 7, SEEK_SET);
    return errno_unless(a == 3 && again == 4 && ::dup2(a, 40) == 40 && ::dup2(again, 41) == 41);
  });
  CAPTURE(it, child);
  const Kind* a = find(it, 3);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->kind(), Kind::KIND_FILE);
  EXPECT_EQ(a->path(), folder.path("a"));
  EXPECT_EQ(a->offset(), 4U);
  EXPECT_FALSE(a->unlinked());
  EXPECT_FALSE(a->offset_at_home());
  EXPECT_EQ(a->flags() & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
  EXPECT_EQ(find(it, 40), a);
  EXPECT_NE(find(it, 4), a);
  EXPECT_EQ(find(it, 41), find(it, 4));
  EXPECT_EQ(find(it, 4)->offset(), 7U);
  for (const auto& number : it.descriptors) EXPECT_EQ(number.close_on_exec(), number.number() == 3);
  struct stat about {};
  ASSERT_EQ(::fstat(it.duplicates[a->home_id()].get(), &about), 0);
  EXPECT_EQ(about.st_ino, a->inode());
  EXPECT_EQ(::lseek(it.duplicates[a->home_id()].get(), 0, SEEK_CUR), 4);
}

TEST(Descriptors, UnlinkedFilesAndNamesThatLookSo) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("gone"), "x");
  test::write_file(folder.path("kept (deleted)"), "x");
  test::write_file(folder.path("replaced"), "x");
  const Child child = Child::run([&] {
    bool good = ::open(folder.path("gone").c_str(), O_RDONLY) == 3;
    good = good && ::open(folder.path("kept (deleted)").c_str(), O_RDONLY) == 4;
    good = good && ::open(folder.path("replaced").c_str(), O_RDONLY) == 5;
    good = good && ::open(folder.path().c_str(), O_TMPFILE | O_RDWR, 0600) == 6;
    ::unlink(folder.path("gone").c_str());
    ::unlink(folder.path("replaced").c_str());
    return errno_unless(good);
  });
  test::write_file(folder.path("replaced"), "another");
  CAPTURE(it, child);
  EXPECT_TRUE(find(it, 3)->unlinked());
  EXPECT_EQ(find(it, 3)->path(), folder.path("gone"));
  EXPECT_FALSE(find(it, 4)->unlinked());
  EXPECT_EQ(find(it, 4)->path(), folder.path("kept (deleted)"));
  EXPECT_TRUE(find(it, 5)->unlinked());
  EXPECT_EQ(find(it, 6)->kind(), Kind::KIND_FILE);
  EXPECT_TRUE(find(it, 6)->unlinked());
}

TEST(Descriptors, DirectoriesAndPlainDevices) {
  const TemporaryDirectory folder;
  const Child child = Child::run([&] {
    return errno_unless(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY) == 3 &&
                        ::open("/dev/null", O_RDWR) == 4 && ::open("/dev/zero", O_RDONLY) == 5 &&
                        ::open("/dev/urandom", O_RDONLY) == 6);
  });
  CAPTURE(it, child);
  EXPECT_EQ(find(it, 3)->kind(), Kind::KIND_DIRECTORY);
  for (const int fd : {4, 5, 6}) EXPECT_EQ(find(it, fd)->kind(), Kind::KIND_DEVICE) << fd;
  EXPECT_EQ(find(it, 4)->device_number(), 0x103U);
}

TEST(Descriptors, ATerminal) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const Fd keep_master(master);
  const Child child = Child::run([&] { return errno_unless(::dup2(slave, 0) == 0); }, {slave});
  ::close(slave);
  CAPTURE(it, child);
  EXPECT_EQ(find(it, 0)->kind(), Kind::KIND_TERMINAL);
  EXPECT_EQ(find(it, 0)->device_number() >> 8 & 0xfff, 136U);
  const Child holder = Child::run([&] { return 0; }, {master});
  EXPECT_PIN(descriptor_pins(holder.pid()), "master of a pseudo-terminal");
}

// The window has been closed, or the connection has ended, and the program goes on.
TEST(Descriptors, ATerminalThatHasBeenClosedPins) {
  const auto child = Child::run([] {
    int master = -1;
    int slave = -1;
    if (::openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return errno;
    return ::close(master) == 0 ? 0 : errno;
  });
  EXPECT_PIN(descriptor_pins(child.pid()), "which has been closed");
}

TEST(Descriptors, PipesToTheOutside) {
  auto in = make_pipe();
  auto out = make_pipe();
  ASSERT_TRUE(in && out);
  const Child child = Child::run(
      [&] {
        return errno_unless(::dup2(in->first.get(), 0) == 0 && ::dup2(out->second.get(), 1) == 1);
      },
      {in->first.get(), out->second.get()});
  ASSERT_EQ(::write(in->second.get(), "abc", 3), 3);
  CAPTURE(it, child);
  EXPECT_EQ(find(it, 0)->kind(), Kind::KIND_PIPE_IN);
  EXPECT_EQ(find(it, 1)->kind(), Kind::KIND_PIPE_OUT);
  EXPECT_TRUE(find(it, 0)->pipe_content().empty());
}

TEST(Descriptors, APipeInsideKeepsItsContent) {
  const Child child = Child::run([&] {
    std::array<int, 2> ends{};
    const bool good = ::pipe(ends.data()) == 0 && ::fcntl(ends[0], F_SETPIPE_SZ, 16384) == 16384 &&
                      ::write(ends[1], "hello ", 6) == 6 && ::write(ends[1], "world", 5) == 5;
    return errno_unless(good && ends[0] == 3 && ends[1] == 4);
  });
  for (int i = 0; i < 2; ++i) {  // a second look finds the same: nothing was taken
    CAPTURE(it, child);
    EXPECT_EQ(find(it, 3)->kind(), Kind::KIND_PIPE_INNER);
    EXPECT_EQ(find(it, 4)->kind(), Kind::KIND_PIPE_INNER);
    EXPECT_EQ(find(it, 3)->pipe_content(), "hello world");
    EXPECT_TRUE(find(it, 3)->pipe_reads());
    EXPECT_FALSE(find(it, 4)->pipe_reads());
    EXPECT_EQ(find(it, 3)->pipe_id(), find(it, 4)->pipe_id());
    EXPECT_EQ(find(it, 3)->pipe_capacity(), 16384U);
  }
}

TEST(Descriptors, ABrimfulPipeInside) {
  const Child child = Child::run([&] {
    std::array<int, 2> ends{};
    bool good = ::pipe2(ends.data(), O_NONBLOCK) == 0;
    std::string piece(4096, 'x');
    for (char c = 'a'; good; ++c) {
      std::ranges::fill(piece, c);
      if (::write(ends[1], piece.data(), piece.size()) != 4096) break;
    }
    return errno_unless(good && errno == EAGAIN);
  });
  CAPTURE(it, child);
  EXPECT_EQ(find(it, 3)->pipe_content().size(), 65536U);
  EXPECT_EQ(find(it, 3)->pipe_content()[65535], 'a' + 15);
}

TEST(Descriptors, Eventfds) {
  const Child child = Child::run([&] {
    return errno_unless(::eventfd(31, EFD_SEMAPHORE | EFD_NONBLOCK) == 3 && ::eventfd(0, 0) == 4);
  });
  CAPTURE(it, child);
  EXPECT_EQ(find(it, 3)->kind(), Kind::KIND_EVENTFD);
  EXPECT_EQ(find(it, 3)->eventfd_count(), 31U);
  EXPECT_TRUE(find(it, 3)->eventfd_semaphore());
  EXPECT_NE(find(it, 3)->flags() & O_NONBLOCK, 0);
  EXPECT_FALSE(find(it, 4)->eventfd_semaphore());
}

int watch(int epoll, int fd, std::uint32_t events, std::uint64_t data) {
  epoll_event event{events, {.u64 = data}};
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

TEST(Descriptors, AnEpollInstanceOverInnerThings) {
  const Child child = Child::run([&] {
    std::array<int, 2> ends{};
    const int epoll = ::epoll_create1(0);
    const int counter = ::eventfd(0, 0);
    const bool good = ::pipe(ends.data()) == 0 &&
                      watch(epoll, ends[0], EPOLLIN | EPOLLET, 77) == 0 &&
                      watch(epoll, counter, EPOLLIN, ~0ULL) == 0;
    return errno_unless(good);
  });
  CAPTURE(it, child);
  const Kind* epoll = find(it, 3);
  EXPECT_EQ(epoll->kind(), Kind::KIND_EPOLL);
  ASSERT_EQ(epoll->epoll_size(), 2);
  for (const auto& entry : epoll->epoll()) {
    EXPECT_EQ(entry.data(), entry.fd() == 4 ? ~0ULL : 77U);
    EXPECT_EQ((entry.events() & EPOLLET) != 0, entry.fd() == 5);
  }
}

TEST(Descriptors, EpollInstancesThatCannotGo) {
  auto in = make_pipe();
  ASSERT_TRUE(in);
  const Child outside = Child::run(
      [&] {
        ::dup2(in->first.get(), 0);
        return errno_unless(watch(::epoll_create1(0), 0, EPOLLIN, 0) == 0);
      },
      {in->first.get()});
  EXPECT_ONLY_PIN(capture_pins(outside), "watches fd 0, whose input comes from outside");
  const Child closed = Child::run([&] {
    const int epoll = ::epoll_create1(0);
    const int counter = ::eventfd(0, 0);
    ::dup(counter);
    const bool good = watch(epoll, counter, EPOLLIN, 0) == 0;
    ::close(counter);
    return errno_unless(good);
  });
  EXPECT_ONLY_PIN(capture_pins(closed), "which has since been closed");
  const Child disarmed = Child::run([&] {
    const int epoll = ::epoll_create1(0);
    const int counter = ::eventfd(1, 0);
    epoll_event event{};
    return errno_unless(watch(epoll, counter, EPOLLIN | EPOLLONESHOT, 0) == 0 &&
                        ::epoll_wait(epoll, &event, 1, 0) == 1);
  });
  EXPECT_ONLY_PIN(capture_pins(disarmed), "once, and has");
}

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  return ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

Fd listen_on(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 4) != 0)
    fd.reset();
  return fd;
}

TEST(DescriptorPins, UnixSockets) {
  const TemporaryDirectory folder;
  const Fd server = listen_on(folder.path("bus"));
  ASSERT_TRUE(server.valid());
  const Child client =
      Child::run([&] { return errno_unless(connect_to(folder.path("bus")) == 3); });
  // No name is known: all ends that wait to be accepted look alike.
  EXPECT_ONLY_PIN(descriptor_pins(client.pid()),
                  "fd 3 is a Unix socket whose connection has not been accepted yet");
  const Fd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted.valid());
  EXPECT_ONLY_PIN(descriptor_pins(client.pid()), "fd 3 is a Unix socket to " + folder.path("bus"));
  const Child listener =
      Child::run([&] { return errno_unless(listen_on(folder.path("b")).release() == 3); });
  EXPECT_ONLY_PIN(descriptor_pins(listener.pid()),
                  "fd 3 listens on the Unix socket " + folder.path("b"));
  const Child pair = Child::run([&] {
    std::array<int, 2> ends{};
    return errno_unless(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  });
  EXPECT_PIN(descriptor_pins(pair.pid()), "fd 4 is a Unix socket");
}

TEST(DescriptorPins, TcpAndUdp) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(server.get(), 1), 0);
  ASSERT_EQ(::getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const Child child = Child::run(
      [&] {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        const int datagrams = ::socket(AF_INET6, SOCK_DGRAM, 0);
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        return errno_unless(::connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                            ::bind(datagrams, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
      },
      {server.get()});
  const auto pins = descriptor_pins(child.pid());
  EXPECT_PIN(pins, "listens on TCP 127.0.0.1:" + port);
  EXPECT_PIN(pins, " → 127.0.0.1:" + port);
  EXPECT_PIN(pins, "is a UDP socket on [::]:");
}

// Without a name, as a program has one that keeps it for itself.
int message_queue() {
  const std::string name = "/llrun-kinds-" + std::to_string(::getpid());
  const int queue = ::mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, nullptr);
  ::mq_unlink(name.c_str());
  return queue;
}

int bound_netlink_socket() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW, 0);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  return ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

TEST(DescriptorPins, KernelObjects) {
  const Child child = Child::run([&] {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    const bool good =
        ::timerfd_create(CLOCK_MONOTONIC, 0) == 3 && ::signalfd(-1, &set, 0) == 4 &&
        ::inotify_init1(0) == 5 && ::syscall(SYS_pidfd_open, ::getpid(), 0) == 6 &&
        ::memfd_create("mine", 0) == 7 && ::open("/tmp", O_PATH) == 8 &&
        ::syscall(SYS_userfaultfd, 1) == 9 && ::open("/proc/self/stat", O_RDONLY) == 10 &&
        ::open("/sys/kernel", O_RDONLY) == 11 && ::open("/proc/self/ns/net", O_RDONLY) == 12 &&
        bound_netlink_socket() == 13 && message_queue() == 14;
    return errno_unless(good);
  });
  const auto pins = descriptor_pins(child.pid());
  EXPECT_PIN(pins, "fd 3 is a timer");
  EXPECT_PIN(pins, "fd 4 is a signal queue");
  EXPECT_PIN(pins, "fd 5 is a watch on files (inotify)");
  EXPECT_PIN(pins, "fd 6 is a handle of a process");
  EXPECT_PIN(pins, "fd 7 is a memory file (memfd:mine)");
  EXPECT_PIN(pins, "fd 8 (/tmp) was opened as a mere place");
  EXPECT_PIN(pins, "fd 9 is a handler of page faults");
  EXPECT_PIN(pins, "fd 10 is /proc/");
  EXPECT_PIN(pins, "fd 11 is /sys/kernel, in sysfs");
  EXPECT_PIN(pins, "fd 12 is net:[");
  EXPECT_PIN(pins, "fd 13 is a socket of the kind netlink");
  EXPECT_PIN(pins, "fd 14 is the message queue /llrun-kinds-");
  EXPECT_EQ(pins->size(), 12U) << test::all_words(*pins);
}

TEST(DescriptorPins, Devices) {
  const Child child = Child::run([&] { return errno_unless(::open("/dev/ptmx", O_RDWR) == 3); });
  EXPECT_ONLY_PIN(descriptor_pins(child.pid()), "fd 3 is the master");
  // Any other character device that everybody may open.
  const Child fuse = Child::run([&] {
    for (const char* path : {"/dev/fuse", "/dev/net/tun", "/dev/rtc0", "/dev/kmsg"})
      if (::open(path, O_RDONLY | O_NONBLOCK) >= 0) return 0;
    return errno;
  });
  EXPECT_ONLY_PIN(descriptor_pins(fuse.pid()), "fd 3 is the device /dev/");
}

TEST(DescriptorPins, LocksLeasesAndSignals) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), "x");
  const auto open_a = [&] { return ::open(folder.path("a").c_str(), O_RDWR); };
  struct flock range {};
  range.l_type = F_WRLCK;
  const Child posix =
      Child::run([&] { return errno_unless(::fcntl(open_a(), F_SETLK, &range) == 0); });
  EXPECT_ONLY_PIN(descriptor_pins(posix.pid()), "holds a lock or lease: POSIX");
  test::write_file(folder.path("a"), "x");
  const Child whole = Child::run([&] { return errno_unless(::flock(open_a(), LOCK_EX) == 0); });
  EXPECT_ONLY_PIN(descriptor_pins(whole.pid()), "lock or lease: FLOCK");
  test::write_file(folder.path("a"), "x");
  const Child own =
      Child::run([&] { return errno_unless(::fcntl(open_a(), F_OFD_SETLK, &range) == 0); });
  EXPECT_ONLY_PIN(descriptor_pins(own.pid()), "lock or lease: OFDLCK");
  test::write_file(folder.path("a"), "x");
  const Child lease =
      Child::run([&] { return errno_unless(::fcntl(open_a(), F_SETLEASE, F_WRLCK) == 0); });
  EXPECT_ONLY_PIN(descriptor_pins(lease.pid()), "lock or lease: LEASE");
  const Child async = Child::run([&] {
    std::array<int, 2> ends{};
    return errno_unless(::pipe(ends.data()) == 0 && ::fcntl(ends[0], F_SETFL, O_ASYNC) == 0);
  });
  EXPECT_PIN(descriptor_pins(async.pid()), "sends signals when it is ready");
  const Child owned = Child::run([&] {
    std::array<int, 2> ends{};
    return errno_unless(::pipe(ends.data()) == 0 && ::fcntl(ends[0], F_SETOWN, ::getpid()) == 0);
  });
  EXPECT_ONLY_PIN(capture_pins(owned), "names a process to be signalled");
}

TEST(DescriptorPins, UnusualPipes) {
  const TemporaryDirectory folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  const Child both =
      Child::run([&] { return errno_unless(::open(folder.path("fifo").c_str(), O_RDWR) == 3); });
  EXPECT_ONLY_PIN(descriptor_pins(both.pid()), "opened for reading and writing at once");
  const Child packets = Child::run([&] {
    std::array<int, 2> ends{};
    return errno_unless(::pipe2(ends.data(), O_DIRECT) == 0);
  });
  EXPECT_PIN(descriptor_pins(packets.pid()), "packet mode");
}

TEST(Descriptors, AGuestsFilesAndStandInsGetHomesNames) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("known"), "x");
  test::write_file(folder.path("strange"), "x");
  auto stand_in = make_pipe();
  ASSERT_TRUE(stand_in);
  struct stat about {};
  ASSERT_EQ(::fstat(stand_in->first.get(), &about), 0);
  const auto prepare = [&](const char* name) {
    std::array<int, 2> ends{};
    const bool good = ::dup2(stand_in->second.get(), 1) == 1 &&
                      ::close(stand_in->second.get()) == 0 &&
                      ::open(folder.path(name).c_str(), O_RDONLY) == 3 && ::pipe(ends.data()) == 0;
    ::close(ends[0]);  // only the write end of a pipe of its own is left
    return errno_unless(good);
  };
  CaptureOptions options;
  options.look_for_sharing = false;
  options.file_id = [&](int, const Kind& record) -> std::optional<std::uint64_t> {
    if (record.path() == folder.path("known")) return 42;
    if (record.path() != folder.path("strange")) return 1;
    return std::nullopt;
  };
  options.outer_end = [&](int, const struct stat& it) -> std::optional<OuterEnd> {
    if (it.st_ino == about.st_ino && it.st_dev == about.st_dev)
      return OuterEnd{17, Kind::KIND_PIPE_OUT};
    return std::nullopt;
  };
  const Child guest = Child::run([&] { return prepare("known"); }, {stand_in->second.get()});
  const auto it = capture(guest, options);
  ASSERT_TRUE(it) << it.error().message();
  ASSERT_TRUE(it->pins.empty()) << test::all_words(it->pins);
  EXPECT_EQ(find(*it, 3)->home_id(), 42U);
  EXPECT_EQ(find(*it, 1)->home_id(), 17U);
  EXPECT_EQ(find(*it, 1)->kind(), Kind::KIND_PIPE_OUT);
  EXPECT_EQ(find(*it, 5)->kind(), Kind::KIND_PIPE_INNER);
  const Child other = Child::run([&] { return prepare("strange"); }, {stand_in->second.get()});
  const auto refused = capture(other, options);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(test::has_pin(refused->pins, "not of its home's files"));
}

// Here its names are of another tree: that none of them is there says nothing, nor that one is.
TEST(Descriptors, AGuestsDirectoriesAreNotLookedUpHere) {
  const TemporaryDirectory folder;
  ASSERT_EQ(::mkdir(folder.path("renamed").c_str(), 0700), 0);
  ASSERT_EQ(::mkdir(folder.path("removed").c_str(), 0700), 0);
  const Child guest = Child::run([&] {
    return errno_unless(::open(folder.path("renamed").c_str(), O_RDONLY) == 3 &&
                        ::open(folder.path("removed").c_str(), O_RDONLY) == 4 &&
                        ::open("/", O_RDONLY) == 5);
  });
  ASSERT_EQ(::rename(folder.path("renamed").c_str(), folder.path("new").c_str()), 0);
  ASSERT_EQ(::rmdir(folder.path("removed").c_str()), 0);
  EXPECT_PIN(descriptor_pins(guest.pid()), "a directory that has been removed");
  CaptureOptions options;
  options.look_for_sharing = false;
  options.names_are_ours = false;
  options.file_id = [&](int, const Kind&) { return std::optional<std::uint64_t>(42); };
  const auto it = capture(guest, options);
  ASSERT_TRUE(it) << it.error().message();
  EXPECT_TRUE(it->pins.empty()) << test::all_words(it->pins);
  for (const int fd : {3, 4, 5}) EXPECT_EQ(find(*it, fd)->kind(), Kind::KIND_DIRECTORY) << fd;
}

TEST(DescriptorPins, WhatAWorldHasOfItsOwn) {
  const Child child = Child::run([&] { return errno_unless(::open("/dev", O_RDONLY) == 3); });
  EXPECT_PIN(descriptor_pins(child.pid()), "another node has a /dev of its own");
}

}  // namespace
}  // namespace llrun::tracer
