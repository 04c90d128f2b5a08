// The stub's code: the range is compared in 64 bits, to the byte, and lets nothing through.
#include <gtest/gtest.h>
#include <linux/audit.h>

#include "interpreter.h"
#include "tracer/calls/call_table.h"
#include "tracer/filter/filter.h"

namespace llrun {
namespace {

constexpr std::uint64_t kStart = 0x7fff'1234'5000;
constexpr std::uint32_t kExecve = 59;
constexpr std::uint32_t kClone = 56;
constexpr std::uint32_t kRead = 0;
constexpr std::uint32_t kStat = 4;
constexpr std::uint32_t kKeyctl = 250;
constexpr std::uint32_t kSocket = 41;
constexpr std::uint32_t kPrctl = 157;      // injected, conditional
constexpr std::uint32_t kGetgroups = 115;  // injected, home's
constexpr std::uint32_t kTimedwait = 128;  // injected, traced
constexpr std::uint32_t kInjectedStop = SECCOMP_RET_TRACE | kInjectedCall;

class StubRange : public testing::Test {
 protected:
  void SetUp() override {
    FilterOptions options;
    options.stub = StubCode{kStart, kStart + 16};
    options.context.home.input = {0};
    auto program = build_filter(options);
    ASSERT_TRUE(program) << program.error().message();
    program_ = std::move(*program);
  }
  // The action for a call whose `syscall` instruction is at `address`.
  std::uint32_t action_at(std::uint64_t address, std::uint32_t number,
                          std::uint32_t arch = AUDIT_ARCH_X86_64) {
    seccomp_data data{.nr = static_cast<int>(number),
                      .arch = arch,
                      .instruction_pointer = address + 2,
                      .args = {}};
    const auto outcome = run_bpf(program_, data);
    EXPECT_TRUE(outcome.valid);
    return outcome.action;
  }
  std::vector<sock_filter> program_;
};

TEST_F(StubRange, WhatIsInjectedStopsForTheTracer) {
  for (const std::uint32_t number : {kPrctl, kGetgroups, kTimedwait})
    for (std::uint64_t at = kStart; at <= kStart + 14; ++at)
      EXPECT_EQ(action_at(at, number), kInjectedStop) << at << " " << number;
}

TEST_F(StubRange, AllElseIsAsAnywhere) {
  for (const auto& row : call_table()) {
    if (row.maker == Maker::kInjection) continue;
    EXPECT_EQ(action_at(kStart, row.number), action_at(kStart - 64, row.number)) << row.name;
  }
  EXPECT_EQ(action_at(kStart, kStat), SECCOMP_RET_ALLOW);
  EXPECT_EQ(action_at(kStart, kClone), SECCOMP_RET_TRACE);
  for (const std::uint32_t number : {kExecve, kKeyctl, kSocket, kRead, 9999U})
    EXPECT_EQ(action_at(kStart, number), SECCOMP_RET_USER_NOTIF) << number;
}

TEST_F(StubRange, NothingElseIsTheStubs) {
  for (const std::uint64_t at :
       {kStart - 1, kStart + 15, kStart + 16, kStart + 0x1'0000'0000, kStart - 0x1'0000'0000,
        kStart & 0xffffffff, kStart ^ 0x8000'0000, std::uint64_t{0}}) {
    EXPECT_EQ(action_at(at, kPrctl), SECCOMP_RET_USER_NOTIF) << at;
    EXPECT_EQ(action_at(at, kTimedwait), SECCOMP_RET_TRACE) << at;
    EXPECT_EQ(action_at(at, kRead), SECCOMP_RET_USER_NOTIF) << at;
  }
}

TEST_F(StubRange, OtherEntriesAreNotInjected) {
  EXPECT_EQ(action_at(kStart, kPrctl, AUDIT_ARCH_I386), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(action_at(kStart, kPrctl | 0x40000000U), SECCOMP_RET_USER_NOTIF);
}

TEST(StubRangeRefusal, EmptyAndCrossingRanges) {
  for (const StubCode bad : {StubCode{0x1000, 0x1000}, StubCode{0x1000, 0x1001},
                             StubCode{0x2000, 0x1000}, StubCode{0xffff'fff0, 0x1'0000'0010}}) {
    const auto program = build_filter({.context = {}, .stub = bad});
    ASSERT_FALSE(program);
    EXPECT_EQ(program.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace llrun
