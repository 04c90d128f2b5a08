#include "tracer/filter/filter.h"

#include <linux/bpf_common.h>

#include "tracer/filter/program.h"
#include "tracer/filter/rules.h"

namespace llrun {
namespace {

Result<> check(const ExemptCode& exempt) {
  constexpr std::uint64_t kSyscallInstruction = 2;
  if (exempt.end < exempt.start + kSyscallInstruction)
    return failure(ErrorCode::kInvalid, "exempt code from the filter: the range is empty");
  if (exempt.start >> 32 != exempt.end >> 32)
    return failure(ErrorCode::kInvalid,
                   "exempt code from the filter: the range crosses a multiple of 4 GiB");
  return {};
}

// Compiling takes libseccomp time that grows with the square of the descriptors: 32 of them 15 ms,
// 1000 minutes. What is too much is a pin (tracer/objects/descriptors.cc).
std::unexpected<Error> too_many_at_home() {
  return failure(ErrorCode::kUnsupported,
                 "make a seccomp filter: too many descriptors of this program live at home");
}

// Which calls concern descriptors at home.
Result<BpfProgram> home_program(const HomeDescriptors& home) {
  if (!home.any()) return BpfProgram{};
  if (home.input.size() + home.terminals.size() + home.offsets.size() > kMostHomeDescriptors)
    return too_many_at_home();
  LLRUN_TRY_ASSIGN(auto rules, Rules::create(SCMP_ACT_ALLOW));
  for (const auto& use : home_uses(home))
    LLRUN_TRY(rules.add(SCMP_ACT_NOTIFY, use.number, use.when));
  return rules.compile();
}

Result<> add_conditions(Rules& rules, const CallRow& row, const CallContext& context) {
  for (const auto& when : native_when(row, context.self))
    LLRUN_TRY(rules.add(SCMP_ACT_ALLOW, row.number, when));
  return {};
}

Result<> add_row(Rules& rules, const CallRow& row, const CallContext& context) {
  switch (row.where) {
    case CallClass::kNative:
      return rules.add(SCMP_ACT_ALLOW, row.number, {});
    case CallClass::kThread:
    case CallClass::kTraced:
      return rules.add(SCMP_ACT_TRACE(0), row.number, {});
    case CallClass::kConditional:
      return add_conditions(rules, row, context);
    case CallClass::kHome:
    case CallClass::kBringsHome:
      break;
  }
  return {};
}

// The call table; what it does not allow is notified.
Result<BpfProgram> table_program(const CallContext& context) {
  LLRUN_TRY_ASSIGN(auto rules, Rules::create(SCMP_ACT_NOTIFY));
  for (const auto& row : call_table()) LLRUN_TRY(add_row(rules, row, context));
  return rules.compile();
}

}  // namespace

Result<std::vector<sock_filter>> build_filter(const FilterOptions& options) {
  if (options.exempt) LLRUN_TRY(check(*options.exempt));
  LLRUN_TRY_ASSIGN(auto home, home_program(options.context.home));
  LLRUN_TRY_ASSIGN(auto table, table_program(options.context));
  auto program = chain(std::move(home), std::move(table), options.exempt);
  if (program.size() > BPF_MAXINSNS) return too_many_at_home();
  return program;
}

}  // namespace llrun
