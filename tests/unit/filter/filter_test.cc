#include "tracer/filter/filter.h"

#include <gtest/gtest.h>
#include <linux/audit.h>

#include <array>
#include <random>
#include <set>

#include "interpreter.h"

namespace llrun {
namespace {

const CallContext kStranger{};
const CallContext kSelf{.home = {}, .self = GuestPid{4711}};
const CallContext kHomebound{.home = {.input = {0, 9}, .terminals = {0, 2}, .offsets = {1, 9}},
                             .self = GuestPid{4711}};
const CallContext kManyHomebound{
    .home = {.input = {3, 4, 5, 6, 7, 8, 300, 301, 302, 303}, .terminals = {}, .offsets = {20}},
    .self = GuestPid{4711}};

std::vector<sock_filter> built(const FilterOptions& options) {
  auto program = build_filter(options);
  EXPECT_TRUE(program) << program.error().message();
  return program.value_or(std::vector<sock_filter>{});
}

BpfOutcome run(std::span<const sock_filter> program, std::uint32_t number, const CallArgs& args,
               std::uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data{.nr = static_cast<int>(number),
                    .arch = arch,
                    .instruction_pointer = 0x401002,
                    .args = {args[0], args[1], args[2], args[3], args[4], args[5]}};
  return run_bpf(program, data);
}

std::uint32_t action_for(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNative:
      return SECCOMP_RET_ALLOW;
    case Verdict::kThread:
    case Verdict::kTraced:
      return SECCOMP_RET_TRACE;
    default:
      return SECCOMP_RET_USER_NOTIF;
  }
}

// Arguments that hit the conditions of a call often: their values, their neighbours, garbage above
// them.
class Arguments {
 public:
  Arguments(const CallRow& row, const CallContext& context) {
    for (const auto& all : native_when(row, context)) note(all);
    for (const auto& all : never_when(row)) note(all);
    for (const auto& use : home_uses(context.home))
      if (use.number == row.number) note(use.when);
  }
  CallArgs next() {
    CallArgs args;
    for (std::size_t i = 0; i < args.size(); ++i) args[i] = value(pools_[i]);
    return args;
  }

 private:
  void note(const Conjunction& all) {
    for (const auto& one : all) {
      pools_[one.arg].push_back(one.value);
      pools_[one.arg].push_back(one.value | (random_() & ~one.mask));
      pools_[one.arg].push_back(one.value ^ (one.mask & (~one.mask + 1)));  // one bit wrong
    }
  }
  std::uint64_t value(const std::vector<std::uint64_t>& pool) {
    const auto kind = random_() % 4;
    if (kind == 0) return random_();
    if (kind == 1 || pool.empty()) return random_() % 10;
    const std::uint64_t one = pool[random_() % pool.size()];
    return kind == 2 ? one : one | (random_() << 32);
  }
  std::array<std::vector<std::uint64_t>, 6> pools_;
  std::mt19937_64 random_{4711};
};

class Filter : public testing::TestWithParam<CallContext> {};

TEST_P(Filter, DecidesAsTheJudge) {
  const CallContext& context = GetParam();
  const auto program = built({.context = context, .stub = StubCode{0x10000, 0x10010}});
  const CallJudge judge(context);
  int allowed = 0;
  for (const auto& row : call_table()) {
    Arguments arguments(row, context);
    for (int round = 0; round < 300; ++round) {
      const CallArgs args = arguments.next();
      const auto outcome = run(program, row.number, args);
      ASSERT_TRUE(outcome.valid) << row.name;
      ASSERT_EQ(outcome.action, action_for(judge.judge(row.number, args)))
          << row.name << std::hex << " " << args[0] << " " << args[1] << " " << args[2] << " "
          << args[3];
      allowed += outcome.action == SECCOMP_RET_ALLOW && row.where == CallClass::kConditional;
    }
  }
  EXPECT_GT(allowed, 1000) << "the conditions were hardly ever hit";
}

TEST_P(Filter, NotifiesWhatNobodyKnows) {
  const auto program = built({.context = GetParam(), .stub = {}});
  for (const std::uint32_t number : {337U, 423U, 500U, 511U, 512U, 548U, 100000U, 0x3fffffffU})
    EXPECT_EQ(run(program, number, {}).action, SECCOMP_RET_USER_NOTIF) << number;
}

TEST_P(Filter, NotifiesForeignEntries) {
  const auto program = built({.context = GetParam(), .stub = StubCode{0x10000, 0x10010}});
  for (const auto& row : call_table()) {
    EXPECT_EQ(run(program, row.number | 0x40000000U, {}).action, SECCOMP_RET_USER_NOTIF);
    EXPECT_EQ(run(program, row.number, {}, AUDIT_ARCH_I386).action, SECCOMP_RET_USER_NOTIF);
  }
}

INSTANTIATE_TEST_SUITE_P(Contexts, Filter,
                         testing::Values(kStranger, kSelf, kHomebound, kManyHomebound));

// What the kernel asks before it puts a call into the bitmap of those that need no filter.
TEST(FilterBitmap, NativeCallsAreDecidedByNumberAlone) {
  const auto program = built({.context = kHomebound, .stub = StubCode{0x10000, 0x10010}});
  std::set<std::uint32_t> concerned;
  for (const auto& use : home_uses(kHomebound.home)) concerned.insert(use.number);
  int native = 0;
  for (const auto& row : call_table()) {
    if (row.where != CallClass::kNative || concerned.contains(row.number)) continue;
    const auto outcome = run(program, row.number, {});
    EXPECT_EQ(outcome.action, SECCOMP_RET_ALLOW) << row.name;
    EXPECT_FALSE(outcome.looked_at_arguments) << row.name;
    EXPECT_FALSE(outcome.looked_at_instruction_pointer) << row.name;
    ++native;
  }
  EXPECT_GT(native, 90);
}

TEST(FilterSize, TooManyDescriptorsAreRefusedInWords) {
  FilterOptions options;
  for (int fd = 0; fd < 65; ++fd) options.context.home.input.push_back(fd);
  const auto program = build_filter(options);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().code, ErrorCode::kUnsupported);
}

// As many descriptors at home as a program may have, of the kinds that take the most room.
TEST(Filter, HasRoomForAllDescriptorsThatMayBeAtHome) {
  CallContext context;
  for (std::size_t fd = 0; fd < kMostHomeDescriptors; ++fd)
    context.home.offsets.push_back(static_cast<int>(fd));
  EXPECT_LE(built({context, StubCode{0x401000, 0x402000}}).size(), std::size_t{BPF_MAXINSNS});
  CallContext mixed;
  for (std::size_t fd = 0; fd < kMostHomeDescriptors / 2; ++fd) {
    mixed.home.terminals.push_back(static_cast<int>(fd));
    mixed.home.input.push_back(static_cast<int>(fd));
  }
  EXPECT_FALSE(built({mixed, StubCode{0x401000, 0x402000}}).empty());
  context.home.offsets.push_back(static_cast<int>(kMostHomeDescriptors));
  EXPECT_FALSE(build_filter({context, std::nullopt}));
}

}  // namespace
}  // namespace llrun
