#include "tracer/calls/judge.h"

#include <algorithm>

namespace llrun {
namespace {

using Alternatives = std::map<std::uint32_t, std::vector<Conjunction>>;

bool any_holds(const Alternatives& all, std::uint32_t number, const CallArgs& args) {
  const auto found = all.find(number);
  return found != all.end() && std::ranges::any_of(found->second, [&](const Conjunction& one) {
           return holds(one, args);
         });
}

Verdict otherwise(Decision decision) {
  switch (decision) {
    case Decision::kFileType:
      return Verdict::kFileType;
    case Decision::kPathChange:
    case Decision::kPathMove:
      return Verdict::kPathChange;
    case Decision::kWatched:
      return Verdict::kWatched;
    case Decision::kEnding:
      return Verdict::kEnding;
    case Decision::kSignalTarget:
      return Verdict::kSignalTarget;
    case Decision::kCpuTime:
      return Verdict::kCpuTime;
    case Decision::kTarget:
    case Decision::kLimit:
      return Verdict::kHome;
    default:
      return Verdict::kBringsHome;
  }
}

}  // namespace

CallJudge::CallJudge(const CallContext& context) {
  for (auto& use : home_uses(context.home)) home_[use.number].push_back(std::move(use.when));
  for (const auto& row : call_table())
    if (auto never = never_when(row); !never.empty()) never_[row.number] = std::move(never);
  for (const auto& row : call_table())
    if (row.where == CallClass::kConditional) native_[row.number] = native_when(row, context);
}

bool CallJudge::never_here(std::uint64_t number, const CallArgs& args) const {
  const CallRow* row = find_call(number);
  return row == nullptr || row->maker == Maker::kNobody || any_holds(never_, row->number, args);
}

Verdict CallJudge::judge(std::uint64_t number, const CallArgs& args) const {
  const CallRow* row = find_call(number);
  if (row == nullptr || never_here(number, args)) return Verdict::kBringsHome;
  if (any_holds(home_, row->number, args)) return Verdict::kHomeDescriptor;
  switch (row->where) {
    case CallClass::kNative:
      return Verdict::kNative;
    case CallClass::kThread:
      return Verdict::kThread;
    case CallClass::kTraced:
      return Verdict::kTraced;
    case CallClass::kHome:
      return Verdict::kHome;
    case CallClass::kBringsHome:
      return Verdict::kBringsHome;
    case CallClass::kConditional:
      break;
  }
  return any_holds(native_, row->number, args) ? Verdict::kNative : otherwise(row->decision);
}

}  // namespace llrun
