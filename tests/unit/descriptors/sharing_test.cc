// What other processes hold, too.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <vector>

#include "descriptors/child.h"
#include "pins/expect_pin.h"
#include "tracer/objects/descriptors.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

using test::Child;
using test::TemporaryDirectory;
using Kind = image::Description;

Result<DescriptorCapture> capture(const Child& child, const std::vector<HostPid>& job = {}) {
  LLRUN_TRY_ASSIGN(const Fd pidfd, open_pidfd(child.pid()));
  CaptureOptions options;
  options.job = job;
  return capture_descriptors(child.pid(), pidfd, options);
}

// The description of `fd`, by value; fails the test where there is none.
Kind description_of(const Result<DescriptorCapture>& it, int fd) {
  if (!it) {
    ADD_FAILURE() << it.error().message();
    return {};
  }
  for (const auto& number : it->descriptors)
    if (number.number() == fd) return it->descriptions[number.description()];
  ADD_FAILURE() << "no fd " << fd;
  return {};
}

// A process that has what the test has at these numbers.
Child holder_of(const std::vector<int>& fds) {
  return Child::run([] { return 0; }, fds);
}

// The same, but not to be looked into.
Child stranger_with(const std::vector<int>& fds) {
  return Child::run([] { return ::prctl(PR_SET_DUMPABLE, 0) == 0 ? 0 : errno; }, fds);
}

TEST(Sharing, TheOffsetOfASharedFileStaysAtHome) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("out"), "x");
  const auto out = open_file(folder.path("out"), O_RDWR);
  const auto other = open_file(folder.path("out"), O_RDWR);
  ASSERT_TRUE(out && other);
  const int fd = out->get();
  const Child child = holder_of({fd});
  EXPECT_FALSE(description_of(capture(child), fd).offset_at_home());
  {
    const Child same_file = holder_of({other->get()});  // another description of it
    EXPECT_FALSE(description_of(capture(child), fd).offset_at_home());
  }
  const Child sharer = holder_of({fd});
  EXPECT_TRUE(description_of(capture(child), fd).offset_at_home());
  EXPECT_FALSE(description_of(capture(child, {sharer.pid()}), fd).offset_at_home());
}

TEST(Sharing, WhoCannotBeLookedIntoMayShareEverything) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("out"), "x");
  const auto out = open_file(folder.path("out"), O_RDWR);
  auto pipe = make_pipe();
  ASSERT_TRUE(out && pipe);
  for (const int fd : {out->get(), pipe->first.get()}) ASSERT_EQ(::fcntl(fd, F_SETFD, 0), 0);
  const Child child = holder_of({out->get(), pipe->first.get()});
  ASSERT_TRUE(capture(child)->pins.empty());
  const Child stranger = stranger_with({});
  const auto it = capture(child);
  EXPECT_TRUE(description_of(it, out->get()).offset_at_home());
  EXPECT_TRUE(test::has_pin(it->pins, "may read, too")) << test::all_words(it->pins);
  EXPECT_TRUE(capture(child, {stranger.pid()})->pins.empty());
}

TEST(Sharing, StrangersDoNotHaveWhatClosesOnExec) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("own"), "x");
  const Child child = Child::run(
      [&] { return ::open(folder.path("own").c_str(), O_RDONLY | O_CLOEXEC) == 3 ? 0 : errno; });
  const Child stranger = stranger_with({});
  EXPECT_FALSE(description_of(capture(child), 3).offset_at_home());
}

TEST(Sharing, AStrangerOfAnotherProcessGroupHasInheritedNothing) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_EQ(::fcntl(pipe->first.get(), F_SETFD, 0), 0);
  const Child child =
      Child::run([] { return ::setpgid(0, 0) == 0 ? 0 : errno; }, {pipe->first.get()});
  const Child stranger = stranger_with({});
  const auto it = capture(child);
  ASSERT_TRUE(it);
  EXPECT_TRUE(it->pins.empty()) << test::all_words(it->pins);
}

TEST(Sharing, APipeThatOthersRead) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  const Child child = holder_of({pipe->first.get()});
  {
    const Child writer = holder_of({pipe->second.get()});
    ASSERT_TRUE(capture(child)->pins.empty());
  }
  const Child reader = holder_of({pipe->first.get()});
  const auto it = capture(child);
  ASSERT_TRUE(it);
  EXPECT_TRUE(test::has_pin(
      it->pins, "is a pipe that others read, too: process " + std::to_string(reader.pid().value)))
      << test::all_words(it->pins);
}

TEST(Sharing, AFifoThatOthersReadByOpeningItThemselves) {
  const TemporaryDirectory folder;
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  ASSERT_EQ(::link(folder.path("fifo").c_str(), folder.path("other-name").c_str()), 0);
  const auto read_fifo = [&](const char* name) {
    return [&folder, name] {
      return ::open(folder.path(name).c_str(), O_RDONLY | O_NONBLOCK) == 3 ? 0 : errno;
    };
  };
  const Child child = Child::run(read_fifo("fifo"));
  EXPECT_EQ(description_of(capture(child), 3).kind(), Kind::KIND_PIPE_IN);
  ASSERT_TRUE(capture(child)->pins.empty());
  const Child reader = Child::run(read_fifo("other-name"));
  EXPECT_TRUE(test::has_pin(capture(child)->pins, "others read, too"));
}

// A guest's filter compares them one by one. What `why` asks knows it, too.
TEST(Sharing, MoreDescriptorsThanHomeCanCareFor) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  const int read = pipe->first.get();
  const auto with = [&](int copies) {
    return Child::run(
        [=] {
          for (int copy = 1; copy < copies; ++copy)
            if (::dup(read) < 0) return errno;
          return 0;
        },
        {read});
  };
  const Child all = with(64);
  const Child more = with(65);
  pipe->first = Fd();
  for (const auto* child : {&all, &more}) {
    const std::vector<HostPid> job{all.pid(), more.pid()};
    const auto pidfd = open_pidfd(child->pid());
    ASSERT_TRUE(pidfd);
    const auto pins = shared_descriptor_pins(child->pid(), *pidfd, job);
    ASSERT_TRUE(pins) << pins.error().message();
    EXPECT_EQ(test::has_pin(*pins, "descriptors that home would have to care for"), child == &more)
        << test::all_words(*pins);
  }
}

TEST(Sharing, APipeIsInnerOnlyIfNobodyElseHoldsIt) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  const int read = pipe->first.get();
  const int write = pipe->second.get();
  const Child child = holder_of({read, write});
  EXPECT_EQ(description_of(capture(child), read).kind(), Kind::KIND_PIPE_INNER);
  const Child writer = holder_of({write});
  EXPECT_EQ(description_of(capture(child), read).kind(), Kind::KIND_PIPE_IN);
  EXPECT_EQ(description_of(capture(child), write).kind(), Kind::KIND_PIPE_OUT);
}

TEST(Sharing, AnEventfdHeldByAnother) {
  const Fd counter(::eventfd(0, EFD_CLOEXEC));
  const Child child = holder_of({counter.get()});
  ASSERT_TRUE(capture(child)->pins.empty());
  const Child other = holder_of({counter.get()});
  EXPECT_TRUE(test::has_pin(capture(child)->pins, "an event counter that it shares with process"));
}

TEST(Sharing, ABashLoopSharesItsInputFile) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("list"), "1\n2\n3\n");
  const std::string script =
      "exec 5<" + folder.path("list") + "; read x <&5; sleep 1000 <&5 & echo ready $!; wait";
  const Child bash = Child::exec({"bash", "-c", script});
  const auto children = read_whole_file("/proc/" + std::to_string(bash.pid().value) + "/task/" +
                                        std::to_string(bash.pid().value) + "/children");
  ASSERT_TRUE(children);
  const HostPid sleeper{std::stoi(*children)};
  // Between its fork and its exec bash moves descriptors about, and after it its loader opens some.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const std::string call = "/proc/" + std::to_string(sleeper.value) + "/syscall";
  const std::string sleeps = std::to_string(SYS_clock_nanosleep) + " ";
  while (!read_whole_file(call).value_or("").starts_with(sleeps) &&
         std::chrono::steady_clock::now() < limit)
    ::sched_yield();
  auto pidfd = open_pidfd(sleeper);
  ASSERT_TRUE(pidfd);
  const auto it = capture_descriptors(sleeper, *pidfd);
  EXPECT_TRUE(description_of(it, 5).offset_at_home());
  EXPECT_EQ(description_of(it, 5).path(), folder.path("list"));
  ::kill(sleeper.value, SIGKILL);
}

}  // namespace
}  // namespace llrun::tracer
