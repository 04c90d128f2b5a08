// The server without a kernel: frames in, frames out, and peers that do not behave.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "tests/unit/homefs/peer.h"

namespace llrun::homefs {
namespace {

TEST(HomeFileServer, AgreesOnWhatTheViewNeeds) {
  Peer peer;
  ASSERT_TRUE(peer.begin());
  const auto frame = peer.next();
  fuse_init_out init;
  ASSERT_EQ(frame.size(), sizeof(fuse_out_header) + sizeof init);
  std::memcpy(&init, frame.data() + sizeof(fuse_out_header), sizeof init);
  constexpr std::uint32_t kWanted = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
                                    FUSE_DONT_MASK | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS |
                                    FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
                                    FUSE_HANDLE_KILLPRIV_V2 | FUSE_INIT_EXT;
  constexpr std::uint32_t kUnwanted = FUSE_WRITEBACK_CACHE | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |
                                      FUSE_POSIX_ACL | FUSE_NO_OPEN_SUPPORT | FUSE_SETXATTR_EXT;
  EXPECT_EQ(init.flags & kWanted, kWanted);
  EXPECT_EQ(init.flags & kUnwanted, 0U);
  EXPECT_EQ(init.max_write, kMaxData);
  EXPECT_EQ(init.max_pages, 256U);
}

TEST(HomeFileServer, AnswersNothingBeforeInitAndNoSecondInit) {
  Peer peer;
  EXPECT_EQ(peer.send(FUSE_GETATTR, 1, fuse_getattr_in{}).error().code, ErrorCode::kProtocol);
  ASSERT_TRUE(peer.begin());
  EXPECT_EQ(peer.begin().error().code, ErrorCode::kProtocol);
}

TEST(HomeFileServer, KnowsNoNodesAndHandlesThatItDidNotGive) {
  Peer peer;
  ASSERT_TRUE(peer.begin());
  peer.next();
  ASSERT_TRUE(peer.send(FUSE_GETATTR, 0xDEADBEEF, fuse_getattr_in{}));
  EXPECT_EQ(peer.next_error(), ESTALE);
  fuse_read_in read{};
  read.fh = 12345;
  read.size = 4096;
  ASSERT_TRUE(peer.send(FUSE_READ, 1, read));
  EXPECT_EQ(peer.next_error(), EBADF);
  // A description that waits to be armed cannot be reached by guessing its number.
  const auto id =
      peer.server().add_description(open_file(peer.root() + "/file", O_RDONLY).value(), {}).value();
  read.fh = id;
  ASSERT_TRUE(peer.send(FUSE_READ, 1, read));
  EXPECT_EQ(peer.next_error(), EBADF);
  fuse_release_in release{};
  release.fh = id;
  ASSERT_TRUE(peer.send(FUSE_RELEASE, 1, release));
  EXPECT_EQ(peer.next_error(), 0);
  EXPECT_TRUE(peer.server().description_of(id));
}

// A file that does not come is waited for by one thread, however many such files there are.
TEST(HomeFileServer, OthersDoNotWaitForWhatDoesNotAnswer) {
  constexpr int kStalled = 100;
  static std::mutex stalled;  // threads wait for it when this has ended, too
  static std::atomic<int> told = 0;
  stalled.lock();
  auto peer = std::make_unique<Peer>();
  ASSERT_TRUE(peer->begin());
  peer->next();
  for (int i = 0; i < kStalled; ++i)
    peer->server().look([]() -> std::function<void()> {
      const std::lock_guard until_it_answers(stalled);
      return [] { ++told; };
    });
  ASSERT_TRUE(peer->send(FUSE_GETATTR, 1, fuse_getattr_in{}));
  EXPECT_EQ(peer->next_error(), 0);
  // Its end does not wait for them either, and nobody hears of them any more.
  auto end = std::async(std::launch::async, [&peer] { peer.reset(); });
  EXPECT_EQ(end.wait_for(kLimit), std::future_status::ready);
  stalled.unlock();
  end.wait();
  EXPECT_EQ(told, 0);
}

TEST(HomeFileServer, AnswersUnknownRequestsAndInterrupts) {
  Peer peer;
  ASSERT_TRUE(peer.begin());
  peer.next();
  ASSERT_TRUE(peer.send(777, 1, std::uint64_t{0}));
  EXPECT_EQ(peer.next_error(), ENOSYS);
  ASSERT_TRUE(peer.send(FUSE_INTERRUPT, 1, fuse_interrupt_in{}));
  EXPECT_EQ(peer.next_error(), ENOSYS);
}

// Requests of every kind with random bodies, many at once: answered or refused, and still alive.
TEST(HomeFileServer, SurvivesAPeerThatSendsAnything) {
  Peer peer;
  ASSERT_TRUE(peer.begin());
  peer.next();
  std::mt19937_64 random(7);
  std::size_t accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::array<std::uint64_t, 12> body{};
    for (auto& word : body) word = random() % 3 == 0 ? random() : random() % 8;
    const auto names = random() % 2 == 0 ? std::string("file\0other", 11) : std::string("a\0b", 4);
    if (peer.send(static_cast<std::uint32_t>(random() % 55), 1 + random() % 4, body, names))
      ++accepted;
  }
  EXPECT_GT(accepted, 1000U);
  while (peer.server().pending() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace llrun::homefs
