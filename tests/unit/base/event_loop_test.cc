#include "base/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/log.h"
#include "base/slow_tasks.h"

namespace llrun {
namespace {

// For what does not come: far beyond what it takes on any machine.
constexpr std::chrono::seconds kLimit{60};

TEST(EventLoop, RunsPostedWorkTimersAndWatches) {
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop) << loop.error().message();
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::string order;
  ASSERT_TRUE((*loop)->watch(pipe->first.get(), EPOLLIN, [&](std::uint32_t) {
    char c = 0;
    ASSERT_EQ(::read(pipe->first.get(), &c, 1), 1);
    order += c;
    (*loop)->unwatch(pipe->first.get());
    (*loop)->stop();
  }));
  int ticks = 0;
  EventLoop::TimerId timer = 0;
  timer = (*loop)->every(std::chrono::milliseconds(1), [&] {
    order += 't';
    if (++ticks < 2) return;
    (*loop)->cancel(timer);
    ASSERT_EQ(::write(pipe->second.get(), "w", 1), 1);
  });
  std::thread poster([&] { (*loop)->post([&] { order.insert(0, "p"); }); });
  poster.join();
  (*loop)->run();
  EXPECT_EQ(order, "pttw");
}

// A task that takes long is named while it does, with who gave it to the loop; one that does not is
// not.
TEST(EventLoop, NamesATaskThatTakesOverASecond) {
  std::string path = "/tmp/llrun-slow-tasks-XXXXXX";
  const Fd file(::mkstemp(path.data()));
  ASSERT_TRUE(file.valid());
  ASSERT_TRUE(log::open({"test", path, false}));
  SlowTasks::name_them();
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  const auto named = [&] {
    return read_whole_file(path).value().find("takes over a second: a timer of ");
  };
  (*loop)->post([] {});
  const auto slow = [&, limit = EventLoop::Clock::now() + kLimit] {
    while (named() == std::string::npos && EventLoop::Clock::now() < limit) ::usleep(1000);
    EXPECT_NE(named(), std::string::npos);
    (*loop)->stop();
  };
  const int line = __LINE__ + 1;
  (*loop)->after(std::chrono::milliseconds(1), slow);
  (*loop)->run();
  const std::string text = read_whole_file(path).value();
  EXPECT_NE(text.find("event_loop_test.cc:" + std::to_string(line)), std::string::npos) << text;
  EXPECT_EQ(text.find("posted"), std::string::npos) << text;
  ::unlink(path.c_str());
}

TEST(Fd, PassesDescriptorsOverASocket) {
  auto pair = make_socketpair(SOCK_STREAM);
  auto pipe = make_pipe();
  ASSERT_TRUE(pair && pipe);
  const int fds[] = {pipe->second.get()};
  const char text[] = "x";
  ASSERT_TRUE(send_fds(pair->first.get(), std::as_bytes(std::span(text, 1)), fds));
  auto got = receive_fds(pair->second.get(), 16);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->fds.size(), 1U);
  ASSERT_TRUE(write_all(got->fds[0].get(), std::as_bytes(std::span(text, 1))));
  char c = 0;
  ASSERT_EQ(::read(pipe->first.get(), &c, 1), 1);
  EXPECT_EQ(c, 'x');
}

}  // namespace
}  // namespace llrun
