#include "tracer/filter/filter.h"

#include <linux/bpf_common.h>

#include "tracer/filter/program.h"
#include "tracer/filter/rules.h"

namespace llrun {
namespace {

Result<> check(const StubCode& stub) {
  constexpr std::uint64_t kSyscallInstruction = 2;
  if (stub.end < stub.start + kSyscallInstruction)
    return failure(ErrorCode::kInvalid, "make a seccomp filter: the stub's range is empty");
  if (stub.start >> 32 != stub.end >> 32)
    return failure(ErrorCode::kInvalid,
                   "make a seccomp filter: the stub's range crosses a multiple of 4 GiB");
  return {};
}

std::vector<std::uint32_t> injected_calls() {
  std::vector<std::uint32_t> numbers;
  for (const auto& row : call_table())
    if (row.maker == Maker::kInjection) numbers.push_back(row.number);
  return numbers;
}

// Compiling takes libseccomp time that grows with the square of the descriptors: 32 of them 15 ms,
// 1000 minutes. What is too much is a pin (tracer/objects/descriptors.cc).
std::unexpected<Error> too_many_at_home() {
  return failure(ErrorCode::kUnsupported,
                 "make a seccomp filter: too many descriptors of this program live at home");
}

// What goes before the table: calls that concern descriptors at home, and those that are never made
// here.
Result<BpfProgram> first_program(const HomeDescriptors& home) {
  if (home.input.size() + home.terminals.size() + home.offsets.size() > kMostHomeDescriptors)
    return too_many_at_home();
  LLRUN_TRY_ASSIGN(auto rules, Rules::create(SCMP_ACT_ALLOW));
  for (const auto& use : home_uses(home))
    LLRUN_TRY(rules.add(SCMP_ACT_NOTIFY, use.number, use.when));
  for (const auto& row : call_table())
    for (const auto& when : never_when(row))
      LLRUN_TRY(rules.add(SCMP_ACT_NOTIFY, row.number, when));
  return rules.compile();
}

Result<> add_conditions(Rules& rules, const CallRow& row, const CallContext& context) {
  for (const auto& when : native_when(row, context))
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
  if (options.stub) LLRUN_TRY(check(*options.stub));
  LLRUN_TRY_ASSIGN(auto first, first_program(options.context.home));
  LLRUN_TRY_ASSIGN(auto table, table_program(options.context));
  auto program = chain(std::move(first), std::move(table));
  if (options.stub) append_stub_rule(program, *options.stub, injected_calls());
  if (program.size() > BPF_MAXINSNS) return too_many_at_home();
  return program;
}

}  // namespace llrun
