// Code whose system calls are always allowed: the range is compared in 64 bits, to the byte.
#include <gtest/gtest.h>
#include <linux/audit.h>

#include "interpreter.h"
#include "tracer/filter/filter.h"

namespace llrun {
namespace {

constexpr std::uint64_t kStart = 0x7fff'1234'5000;
constexpr std::uint32_t kExecve = 59;
constexpr std::uint32_t kClone = 56;
constexpr std::uint32_t kRead = 0;

class ExemptRange : public testing::Test {
 protected:
  void SetUp() override {
    FilterOptions options;
    options.exempt = ExemptCode{kStart, kStart + 16};
    options.context.home.input = {0};
    auto program = build_filter(options);
    ASSERT_TRUE(program) << program.error().message();
    program_ = std::move(*program);
  }
  // The action for a call whose `syscall` instruction is at `address`.
  std::uint32_t action_at(std::uint64_t address, std::uint32_t number) {
    seccomp_data data{.nr = static_cast<int>(number),
                      .arch = AUDIT_ARCH_X86_64,
                      .instruction_pointer = address + 2,
                      .args = {}};
    const auto outcome = run_bpf(program_, data);
    EXPECT_TRUE(outcome.valid);
    return outcome.action;
  }
  std::vector<sock_filter> program_;
};

TEST_F(ExemptRange, AllowsEverythingInside) {
  for (const std::uint32_t number : {kExecve, kClone, kRead, 9999U})
    for (std::uint64_t at = kStart; at <= kStart + 14; ++at)
      EXPECT_EQ(action_at(at, number), SECCOMP_RET_ALLOW) << at << " " << number;
}

TEST_F(ExemptRange, AllowsNothingElse) {
  for (const std::uint64_t at :
       {kStart - 1, kStart + 15, kStart + 16, kStart + 0x1'0000'0000, kStart - 0x1'0000'0000,
        kStart & 0xffffffff, kStart ^ 0x8000'0000, std::uint64_t{0}}) {
    EXPECT_EQ(action_at(at, kExecve), SECCOMP_RET_USER_NOTIF) << at;
    EXPECT_EQ(action_at(at, kClone), SECCOMP_RET_TRACE) << at;
    EXPECT_EQ(action_at(at, kRead), SECCOMP_RET_USER_NOTIF) << at;
  }
}

TEST(ExemptRangeRefusal, EmptyAndCrossingRanges) {
  for (const ExemptCode bad :
       {ExemptCode{0x1000, 0x1000}, ExemptCode{0x1000, 0x1001}, ExemptCode{0x2000, 0x1000},
        ExemptCode{0xffff'fff0, 0x1'0000'0010}}) {
    const auto program = build_filter({.context = {}, .exempt = bad});
    ASSERT_FALSE(program);
    EXPECT_EQ(program.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace llrun
