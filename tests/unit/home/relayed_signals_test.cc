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

void add(RelayedSignals& relayed, int number) {
  siginfo_t info{};
  info.si_signo = number;
  relayed.add(info, GuestTid{7});
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

}  // namespace
}  // namespace llrun
