// HomeTraffic ends while what it serves is busy.
#include "supervisor/home/traffic.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/fd.h"
#include "supervisor/job/io_thread.h"
#include "supervisor/job/link.h"

namespace llrun {
namespace {

constexpr std::uint32_t kStream = 1U << 30;
constexpr int kPieces = 2000;

// What a guest's supervisor is to this: the other end of the link.
class Guest {
 public:
  explicit Guest(Fd socket) {
    auto io = IoThread::start();
    EXPECT_TRUE(io);
    io_ = std::move(*io);
    link_ = std::make_unique<Link>(
        io_->loop(), Link::Callbacks{[this](const wire::FrameHeader& header, auto) {
                                       if (header.type == wire::FrameType::kStreamCredit)
                                         ++credits_;
                                     },
                                     [](const Error&) {}});
    link_->set_epoch(1);
    EXPECT_TRUE(io_->ask([&] {
      auto in = socket.duplicate();
      return link_->connect(std::move(*in), std::move(socket));
    }));
  }
  ~Guest() {
    io_->ask([this] { link_.reset(); });
  }
  void write(int pieces) {
    for (int i = 0; i < pieces; ++i) link_->send(wire::FrameType::kStreamData, kStream, "x");
  }
  [[nodiscard]] int credits() const { return credits_; }

 private:
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<Link> link_;
  std::atomic<int> credits_ = 0;
};

TEST(HomeTraffic, EndsWhileItsWritersTellWhatTheyHaveWritten) {
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  for (int i = 0; i < 100; ++i) {
    auto sockets = make_socketpair(SOCK_STREAM);
    auto null = open_file("/dev/null", O_WRONLY);
    ASSERT_TRUE(sockets && null);
    auto traffic = HomeTraffic::create(
        **loop, 1, {}, {[](const auto&) {}, [](auto, const auto&) {}, [](const auto&) {}});
    ASSERT_TRUE(traffic);
    auto in = sockets->first.duplicate();
    ASSERT_TRUE(in && (*traffic)->connect(std::move(*in), std::move(sockets->first)));
    ASSERT_TRUE((*traffic)->add_stream(kStream, std::move(*null)));
    Guest guest(std::move(sockets->second));
    guest.write(kPieces);
    while (guest.credits() == 0) std::this_thread::yield();
    traffic->reset();  // in the midst of it
  }
}

}  // namespace
}  // namespace llrun
