#include "tracer/objects/measures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "descriptors/child.h"

namespace llrun::tracer {
namespace {

using test::Child;
using test::TemporaryDirectory;

// A child that does one piece of work whenever told to, and answers when it is done. The words go
// over a socket, so `has_streams` is true unless the work closes nothing else: the files alone are
// looked at.
class Worker {
 public:
  explicit Worker(const std::function<void()>& work)
      : pair_(std::move(*make_socketpair(SOCK_STREAM))) {
    const int theirs = pair_.second.get();
    pid_ = ::fork();
    if (pid_ != 0) return;
    pair_.first.reset();
    for (char c = 0; ::read(theirs, &c, 1) == 1;) {
      work();
      if (::write(theirs, &c, 1) != 1) break;
    }
    ::_exit(0);
  }
  ~Worker() {
    pair_.first.reset();
    pair_.second.reset();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] HostPid pid() const { return HostPid{pid_}; }
  void work() {
    char c = 'w';
    ASSERT_EQ(::write(pair_.first.get(), &c, 1), 1);
    ASSERT_EQ(::read(pair_.first.get(), &c, 1), 1);
  }

 private:
  FdPair pair_;
  pid_t pid_ = 0;
};

std::uint64_t bytes_of_one_piece(const std::function<void()>& work) {
  Worker worker(work);
  worker.work();  // opened, warm
  const auto before = measure(worker.pid());
  worker.work();
  const auto after = measure(worker.pid());
  if (!before || !after) {
    ADD_FAILURE() << "cannot measure";
    return 0;
  }
  return file_bytes_between(*before, *after);
}

TEST(Measures, SequentialReadingIsExactAlsoFromTheCache) {
  const TemporaryDirectory folder;
  test::write_file(folder.path("a"), std::string(1 << 20, 'x'));
  const auto file = open_file(folder.path("a"), O_RDONLY);
  ASSERT_TRUE(file);
  std::string buffer(100000, '\0');
  EXPECT_EQ(bytes_of_one_piece([&] { (void)!::read(file->get(), buffer.data(), buffer.size()); }),
            100000U);
}

TEST(Measures, PipesDoNotCount) {
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::string buffer(30000, 'p');
  const auto work = [&] {
    (void)!::write(pipe->second.get(), buffer.data(), buffer.size());
    (void)!::read(pipe->first.get(), buffer.data(), buffer.size());
  };
  EXPECT_EQ(bytes_of_one_piece(work), 0U);
}

TEST(Measures, WithoutStreamsAllCharactersAreFiles) {
  Measures before;
  Measures after;
  after.characters_read = 700;
  after.characters_written = 50;
  EXPECT_EQ(file_bytes_between(before, after), 750U);
  after.has_streams = true;
  EXPECT_EQ(file_bytes_between(before, after), 0U);
  after.disk_bytes = 600;
  EXPECT_EQ(file_bytes_between(before, after), 600U);
  after.files[3] = {1, 2, 5000};  // opened and sought far: no more than the characters
  EXPECT_EQ(file_bytes_between(before, after), 750U);
}

TEST(Measures, OneDescriptionWithTwoNumbersCountsOnce) {
  Measures before;
  Measures after;
  after.has_streams = true;
  after.characters_read = 1000;
  before.files = {{3, {1, 2, 100}}, {4, {1, 2, 100}}};
  after.files = {{3, {1, 2, 300}}, {4, {1, 2, 300}}};
  EXPECT_EQ(file_bytes_between(before, after), 200U);
}

TEST(Measures, CpuTimeAndMemory) {
  const Child busy =
      Child::exec({"python3", "-uc", "x = bytearray(50 << 20)\nprint(1)\nwhile True: pass"});
  const auto before = measure(busy.pid());
  ASSERT_TRUE(before) << before.error().message();
  EXPECT_GE(before->resident_bytes, 50U << 20);
  EXPECT_GE(before->anonymous_bytes, 50U << 20);
  EXPECT_LT(before->anonymous_bytes, before->resident_bytes);
  auto after = measure(busy.pid());
  while (after && after->cpu_time == before->cpu_time) after = measure(busy.pid());
  ASSERT_TRUE(after);
  EXPECT_GT(cpu_rate_between(*before, *after), 0.0);
}

TEST(Measures, TheEndedAreGone) {
  Child child = Child::run([] { return 0; });
  const HostPid pid = child.pid();
  child.kill_and_wait();
  EXPECT_FALSE(measure(pid));
}

}  // namespace
}  // namespace llrun::tracer
