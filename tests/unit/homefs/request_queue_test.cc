#include "netproxy/homefs/request_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace llrun::homefs {
namespace {

TEST(RequestQueue, TakesNoMoreThanAKernelAsks) {
  RequestQueue queue;
  for (std::size_t i = 0; i < RequestQueue::kMaxFrames; ++i) ASSERT_TRUE(queue.push(Frame(56)));
  EXPECT_FALSE(queue.push(Frame(56)));
  EXPECT_FALSE(queue.push(RequestQueue::Look([] {})));
  ASSERT_TRUE(queue.pop({}));
  EXPECT_TRUE(queue.push(Frame(56)));
}

TEST(RequestQueue, TakesNoMoreBytesThanItsBound) {
  RequestQueue queue;
  std::size_t bytes = 0;
  while (queue.push(Frame(kMaxData))) bytes += kMaxData;  // whose pages nobody has written to
  EXPECT_EQ(bytes, RequestQueue::kMaxBytes);
}

TEST(RequestQueue, WithoutRoomForRepliesAllWaitsAndNobodyIsHiredForIt) {
  std::atomic<bool> room = false;
  RequestQueue queue([&] { return room.load(); });
  ASSERT_TRUE(queue.push(Frame(56)));
  EXPECT_FALSE(queue.short_of_workers());
  EXPECT_FALSE(queue.pop(std::chrono::seconds(0)));
  EXPECT_EQ(queue.pending(), 1U);
  std::atomic<bool> popped = false;
  std::thread worker([&] { popped = queue.pop({}).has_value(); });
  queue.look_for_room();
  EXPECT_FALSE(popped);
  room = true;
  queue.look_for_room();
  worker.join();
  EXPECT_TRUE(popped);
}

TEST(RequestQueue, ItsEndNeedsNoRoom) {
  RequestQueue queue([] { return false; });
  ASSERT_TRUE(queue.push(Frame(56)));
  std::thread worker([&] { EXPECT_FALSE(queue.pop({})); });
  queue.close();
  worker.join();
}

}  // namespace
}  // namespace llrun::homefs
