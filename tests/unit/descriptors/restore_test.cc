// Descriptors captured from one process and put into another: the second must be as the first was.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>

#include "descriptors/child.h"
#include "pins/expect_pin.h"
#include "tracer/objects/descriptors.h"
#include "tracer/objects/descriptors_restore.h"
#include "tracer/objects/kcmp.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/ptrace/thread_set.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

using test::Child;
using test::TemporaryDirectory;
using Kind = image::Description;

int errno_unless(bool good) { return good ? 0 : errno; }

// An image of a child's descriptors, and the supervisor's duplicates.
struct Taken {
  image::Process process;
  std::vector<Fd> duplicates;
};

Result<Taken> take(const Child& child, const std::vector<HostPid>& job = {}) {
  LLRUN_TRY_ASSIGN(const Fd pidfd, open_pidfd(child.pid()));
  LLRUN_TRY_ASSIGN(
      DescriptorCapture it,
      capture_descriptors(child.pid(), pidfd, {.job = job, .file_id = {}, .outer_end = {}}));
  if (!it.pins.empty()) return failure(ErrorCode::kRefused, test::all_words(it.pins));
  Taken taken;
  for (auto& record : it.descriptions) *taken.process.add_descriptions() = record;
  for (auto& number : it.descriptors) *taken.process.add_descriptors() = number;
  taken.duplicates = std::move(it.duplicates);
  return taken;
}

// Stop `child`, let `work` use its system calls, and let it run on.
Result<> with_calls(const Child& child,
                    const std::function<Result<>(RemoteSyscalls&, const RemoteArena&)>& work) {
  LLRUN_TRY_ASSIGN(ThreadSet threads, ThreadSet::seize_all(child.pid()));
  LLRUN_TRY(threads.stop_all());
  LLRUN_TRY_ASSIGN(const SyscallSite site, find_syscall_site(child.pid()));
  LLRUN_TRY_ASSIGN(
      RemoteSyscalls calls,
      RemoteSyscalls::borrow(child.pid(), threads.stopped(threads.tids().front()), site));
  LLRUN_TRY_ASSIGN(const StubPage page, StubPage::map(calls));
  const RemoteArena arena(child.pid(), page.arena());
  LLRUN_TRY(work(calls, arena));
  LLRUN_TRY(page.unmap(calls));
  LLRUN_TRY(calls.finish());
  return threads.detach_all();
}

Result<> restore(const Child& into, const Taken& taken) {
  DescriptorSources sources;
  sources.path_inside = [](const Kind& record) -> Result<std::string> { return record.path(); };
  sources.fd_for = [&](const Kind& record) {
    return taken.duplicates[record.home_id()].duplicate();
  };
  return with_calls(into, [&](RemoteSyscalls& calls, const RemoteArena& arena) {
    return restore_descriptors(calls, arena, taken.process, sources);
  });
}

Result<> update(const Child& shadow, const Taken& taken) {
  return with_calls(shadow, [&](RemoteSyscalls& calls, const RemoteArena& arena) {
    return update_descriptors(calls, arena, taken.process, [&](const Kind& record) {
      return taken.duplicates[record.home_id()].duplicate();
    });
  });
}

bool same_file(const Child& a, int fd, const Child& b, int other) {
  const auto order = compare_files(a.pid(), fd, b.pid(), other);
  return order && *order == Order::kEqual;
}

// Numbers, sharing among them, flags and offsets are those of the image.
void expect_like(const Taken& taken, const Child& child) {
  const auto fds = list_fds(child.pid());
  ASSERT_TRUE(fds);
  std::vector<int> wanted;
  for (const auto& number : taken.process.descriptors()) wanted.push_back(number.number());
  EXPECT_EQ(*fds, wanted);
  for (const auto& number : taken.process.descriptors()) {
    const Kind& record = taken.process.descriptions(static_cast<int>(number.description()));
    const auto info = read_fdinfo(child.pid(), number.number());
    ASSERT_TRUE(info) << number.number();
    EXPECT_EQ(info->close_on_exec, number.close_on_exec()) << number.number();
    EXPECT_EQ(info->flags, record.flags()) << number.number() << " " << record.path();
    if (record.kind() == Kind::KIND_FILE) {
      EXPECT_EQ(info->position, record.offset());
    }
    EXPECT_TRUE(same_file(child, number.number(), child, record.representative_fd()));
  }
  for (int i = 1; i < taken.process.descriptions_size(); ++i)
    EXPECT_FALSE(same_file(child, taken.process.descriptions(i).representative_fd(), child,
                           taken.process.descriptions(i - 1).representative_fd()));
}

int with_everything(const TemporaryDirectory& folder) {
  std::array<int, 2> ends{};
  bool good = ::open(folder.path("a").c_str(), O_RDWR | O_APPEND | O_CLOEXEC) == 3;
  good = good && ::open(folder.path("a").c_str(), O_RDONLY | O_NONBLOCK) == 4;
  good = good && ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY) == 5;
  good = good && ::open("/dev/zero", O_RDONLY) == 6;
  good = good && ::pipe(ends.data()) == 0 && ::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
  good =
      good && ::fcntl(ends[1], F_SETPIPE_SZ, 16384) == 16384 && ::write(ends[1], "inner", 5) == 5;
  good = good && ::eventfd(7, EFD_SEMAPHORE) == 9 && ::epoll_create1(EPOLL_CLOEXEC) == 10;
  epoll_event event{EPOLLIN, {.u64 = 1234}};
  good = good && ::epoll_ctl(10, EPOLL_CTL_ADD, ends[0], &event) == 0;
  event = {EPOLLIN | EPOLLET, {.u64 = 99}};
  good = good && ::epoll_ctl(10, EPOLL_CTL_ADD, 9, &event) == 0;
  ::lseek(3, 2, SEEK_SET);
  ::lseek(4, 5, SEEK_SET);
  good =
      good && ::dup3(3, 50, 0) == 50 && ::dup3(10, 51, 0) == 51 && ::dup3(6, 200, O_CLOEXEC) == 200;
  return errno_unless(good);
}

// The kernel lists them in the order of addresses of its own.
std::map<int, std::pair<std::uint32_t, std::uint64_t>> entries_of(const Kind& epoll) {
  std::map<int, std::pair<std::uint32_t, std::uint64_t>> entries;
  for (const auto& entry : epoll.epoll()) entries[entry.fd()] = {entry.events(), entry.data()};
  return entries;
}

TEST(RestoreDescriptors, EverythingIntoAnEmptyProcess) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), "0123456789");
  auto input = make_pipe();
  ASSERT_TRUE(input);
  const int end = input->first.get();
  const Child source = Child::run(
      [&] { return ::dup2(end, 0) == 0 && ::close(end) == 0 ? with_everything(folder) : errno; },
      {end});
  const auto taken = take(source);
  ASSERT_TRUE(taken) << taken.error().message();
  const Child guest = Child::run([] { return errno_unless(::close_range(0, 2, 0) == 0); });
  const auto done = restore(guest, *taken);
  ASSERT_TRUE(done) << done.error().message();
  expect_like(*taken, guest);
  const auto again = take(guest, {source.pid()});
  ASSERT_TRUE(again) << again.error().message();
  for (int i = 0; i < taken->process.descriptions_size(); ++i) {
    const Kind& was = taken->process.descriptions(i);
    const Kind& is = again->process.descriptions(i);
    EXPECT_EQ(is.kind(), was.kind());
    EXPECT_EQ(is.pipe_content(), was.pipe_content());
    EXPECT_EQ(is.pipe_capacity(), was.pipe_capacity());
    EXPECT_EQ(is.eventfd_count(), was.eventfd_count());
    EXPECT_EQ(is.eventfd_semaphore(), was.eventfd_semaphore());
    EXPECT_EQ(entries_of(is), entries_of(was));
  }
  // Files and devices were opened anew; what came by SCM_RIGHTS is the same description.
  EXPECT_FALSE(same_file(source, 3, guest, 3));
  EXPECT_TRUE(same_file(source, 0, guest, 0));
}

TEST(RestoreDescriptors, WhatWasOpenAndShouldNotBeIsClosed) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), "0123456789");
  const Child source = Child::run([&] { return with_everything(folder); });
  const auto taken = take(source);
  ASSERT_TRUE(taken) << taken.error().message();
  // Every low number is in use, with other things, and some beyond.
  const Child guest = Child::run([] {
    for (int fd = 3; fd < 64; ++fd) ::dup2(0, fd);
    return errno_unless(::dup2(0, 300) == 300);
  });
  const auto done = restore(guest, *taken);
  ASSERT_TRUE(done) << done.error().message();
  expect_like(*taken, guest);
}

TEST(RestoreDescriptors, ABrokenImageIsRefused) {
  const Child guest = Child::run([] { return 0; });
  Taken taken;
  taken.process.add_descriptors()->set_description(3);
  const auto done = restore(guest, taken);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kProtocol);
}

TEST(UpdateDescriptors, AShadowKeepsWhatIsTheSameAndTakesTheRest) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), "0123456789");
  test::write_file(folder.path("new"), "abc");
  const Child shadow = Child::run([&] { return with_everything(folder); });
  auto taken = take(shadow);
  ASSERT_TRUE(taken) << taken.error().message();
  const auto kept = compare_files(shadow.pid(), 3, HostPid{::getpid()}, taken->duplicates[3].get());
  ASSERT_TRUE(kept);
  // While away: 4 closed, 200 closed, 3 read on, 12 opened, 50's close-on-exec set, 60 a copy of 5.
  image::Process came = taken->process;
  came.clear_descriptors();
  for (auto number : taken->process.descriptors()) {
    if (number.number() == 4 || number.number() == 200) continue;
    if (number.number() == 50) number.set_close_on_exec(true);
    *came.add_descriptors() = number;
    if (number.number() != 5) continue;
    number.set_number(60);
    *came.add_descriptors() = number;
  }
  std::uint32_t index_of_3 = 0;
  for (const auto& number : came.descriptors())
    if (number.number() == 3) index_of_3 = number.description();
  came.mutable_descriptions(static_cast<int>(index_of_3))->set_offset(9);
  auto opened = open_file(folder.path("new"), O_RDONLY);
  ASSERT_TRUE(opened);
  Kind& record = *came.add_descriptions();
  record.set_kind(Kind::KIND_FILE);
  record.set_flags(::fcntl(opened->get(), F_GETFL));
  record.set_offset(1);
  record.set_home_id(taken->duplicates.size());
  record.set_representative_fd(12);
  auto& number = *came.add_descriptors();
  number.set_number(12);
  number.set_description(static_cast<std::uint32_t>(came.descriptions_size() - 1));
  taken->duplicates.push_back(std::move(*opened));
  Taken home{came, std::move(taken->duplicates)};
  const auto done = update(shadow, home);
  ASSERT_TRUE(done) << done.error().message();
  const auto is_ours = [&](int fd, const Fd& ours) {
    const auto order = compare_files(shadow.pid(), fd, HostPid{::getpid()}, ours.get());
    return order && *order == Order::kEqual;
  };
  const auto& third = home.process.descriptions(static_cast<int>(index_of_3));
  EXPECT_TRUE(is_ours(3, home.duplicates[third.home_id()]));  // the very description it had
  EXPECT_TRUE(is_ours(50, home.duplicates[third.home_id()]));
  EXPECT_EQ(read_fdinfo(shadow.pid(), 3)->position, 9U);
  EXPECT_TRUE(read_fdinfo(shadow.pid(), 50)->close_on_exec);
  EXPECT_TRUE(same_file(shadow, 5, shadow, 60));
  EXPECT_TRUE(is_ours(12, home.duplicates.back()));
  EXPECT_EQ(read_fdinfo(shadow.pid(), 12)->position, 1U);
  EXPECT_FALSE(read_fdinfo(shadow.pid(), 4));
  EXPECT_FALSE(read_fdinfo(shadow.pid(), 200));
}

TEST(UpdateDescriptors, AnOffsetThatStaysAtHomeIsLeftAlone) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), "0123456789");
  const Child shadow = Child::run([&] {
    return errno_unless(::open(folder.path("a").c_str(), O_RDONLY) == 3 &&
                        ::lseek(3, 6, SEEK_SET) == 6);
  });
  auto taken = take(shadow);
  ASSERT_TRUE(taken);
  for (auto& record : *taken->process.mutable_descriptions()) {
    record.set_offset_at_home(true);
    record.set_offset(1);
  }
  const auto done = update(shadow, *taken);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(read_fdinfo(shadow.pid(), 3)->position, 6U);
}

TEST(CloseInShadow, TheReaderSeesTheEnd) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  const int end = pipe->second.get();
  const Child shadow =
      Child::run([&] { return errno_unless(::dup2(end, 1) == 1 && ::dup2(end, 70) == 70); }, {end});
  const auto closed_count = [&] {
    int count = 0;
    const auto done =
        with_calls(shadow, [&](RemoteSyscalls& calls, const RemoteArena&) -> Result<> {
          LLRUN_TRY_ASSIGN(count, close_in_shadow(calls, pipe->second));
          return {};
        });
    EXPECT_TRUE(done) << done.error().message();
    return count;
  }();
  EXPECT_EQ(closed_count, 3);
  pipe->second.reset();
  char c = 0;
  EXPECT_EQ(::read(pipe->first.get(), &c, 1), 0);
}

}  // namespace
}  // namespace llrun::tracer
