// Which signals a guest is known to have got.
#include "supervisor/home/relayed_signals.h"

#include <gtest/gtest.h>

#include <vector>

namespace llrun {
namespace {

std::vector<int> numbers(const RelayedSignals& relayed) {
  std::vector<int> numbers;
  for (const auto& signal : relayed.unheard()) numbers.push_back(signal.info.si_signo);
  return numbers;
}

using Added = RelayedSignals::Added;

Added add(RelayedSignals& relayed, int number, bool linked = true, int tid = 7) {
  siginfo_t info{};
  info.si_signo = number;
  return relayed.add(info, GuestTid{tid}, linked);
}

TEST(RelayedSignals, AreKeptUntilTheGuestHasGotThem) {
  RelayedSignals relayed;
  for (const int number : {10, 12, 15}) add(relayed, number);
  EXPECT_EQ(numbers(relayed), (std::vector{10, 12, 15}));
  EXPECT_EQ(relayed.unheard().front().tid, GuestTid{7});
  relayed.heard(2);
  EXPECT_EQ(numbers(relayed), (std::vector{15}));
  relayed.heard(2);  // told again
  relayed.heard(1);  // and of before
  add(relayed, 1);
  EXPECT_EQ(numbers(relayed), (std::vector{15, 1}));
  relayed.heard(4);
  EXPECT_TRUE(numbers(relayed).empty());
}

TEST(RelayedSignals, NobodyGetsMoreThanThereAre) {
  RelayedSignals relayed;
  add(relayed, 10);
  relayed.heard(1'000'000);
  add(relayed, 12);
  EXPECT_EQ(numbers(relayed), (std::vector{12}));
}

TEST(RelayedSignals, WithoutALinkAStandardSignalIsPendingOnce) {
  RelayedSignals relayed;
  EXPECT_EQ(add(relayed, 10, false), Added::kYes);
  EXPECT_EQ(add(relayed, 10, false), Added::kIsPending);
  EXPECT_EQ(add(relayed, 10, false, 0), Added::kYes);  // of the process, not of a thread
  EXPECT_EQ(add(relayed, 12, false), Added::kYes);
  EXPECT_EQ(add(relayed, 34, false), Added::kYes);
  EXPECT_EQ(add(relayed, 34, false), Added::kYes);
  EXPECT_EQ(numbers(relayed), (std::vector{10, 10, 12, 34, 34}));
}

TEST(RelayedSignals, WhatIsOnItsWayIsNotPending) {
  RelayedSignals relayed;
  EXPECT_EQ(add(relayed, 10), Added::kYes);
  EXPECT_EQ(add(relayed, 10), Added::kYes);
  EXPECT_EQ(add(relayed, 10, false), Added::kYes);
  EXPECT_EQ(add(relayed, 10, false), Added::kIsPending);
  EXPECT_EQ(add(relayed, 12), Added::kYes);  // the link is back, and has taken all
  EXPECT_EQ(add(relayed, 10, false), Added::kYes);
  relayed.heard(1);
  EXPECT_EQ(add(relayed, 10, false), Added::kYes);
}

// A node that never says what its program has got.
TEST(RelayedSignals, NoMoreAreOnTheirWayThanAProgramCanHavePending) {
  RelayedSignals relayed(3);
  for (std::size_t i = 0; i < RelayedSignals::kMostOnTheirWay; ++i)
    ASSERT_EQ(add(relayed, 40), Added::kYes);
  EXPECT_EQ(add(relayed, 10), Added::kYes);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(add(relayed, 10), Added::kIsPending);
  EXPECT_EQ(add(relayed, 40), Added::kYes);
  EXPECT_EQ(add(relayed, 40), Added::kYes);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(add(relayed, 40), Added::kTooMany);
  EXPECT_EQ(relayed.unheard().size(), RelayedSignals::kMostOnTheirWay + 3);
  relayed.heard(1000);
  EXPECT_EQ(add(relayed, 40), Added::kYes);
}

TEST(RelayedSignals, WithoutALinkNoMoreWaitThanMayBePending) {
  RelayedSignals relayed(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(add(relayed, 40, false), Added::kYes);
  EXPECT_EQ(add(relayed, 40, false), Added::kTooMany);
  EXPECT_EQ(add(relayed, 40), Added::kYes);
}

}  // namespace
}  // namespace llrun
