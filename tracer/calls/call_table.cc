#include "tracer/calls/call_table.h"

#include <algorithm>
#include <initializer_list>

namespace llrun {
namespace {

using enum ArgKind;

constexpr std::array<ArgKind, 6> kinds(std::initializer_list<ArgKind> given) {
  std::array<ArgKind, 6> all{};
  std::ranges::copy(given, all.begin());
  return all;
}

#define LLRUN_CALL(number, name, where, decision, maker, why, ...)            \
  CallRow{number,          #name, CallClass::k##where, Decision::k##decision, \
          Maker::k##maker, why,   kinds({__VA_ARGS__})},
constexpr CallRow kRows[] = {
#include "tracer/calls/syscalls.def"
};
#undef LLRUN_CALL

static_assert(std::ranges::is_sorted(kRows, std::ranges::less_equal{}, &CallRow::number),
              "rows are in strictly rising order");
static_assert(std::ranges::none_of(kRows,
                                   [](const CallRow& row) {
                                     return row.maker == Maker::kNobody &&
                                            row.where != CallClass::kBringsHome;
                                   }),
              "what nobody may make on a peer is done at home");

}  // namespace

std::span<const CallRow> call_table() { return kRows; }

const CallRow* find_call(std::uint64_t number) {
  const auto* row = std::ranges::lower_bound(kRows, number, {}, &CallRow::number);
  return row != std::end(kRows) && row->number == number ? row : nullptr;
}

const CallRow* find_call(std::string_view name) {
  const auto* row = std::ranges::find(kRows, name, &CallRow::name);
  return row != std::end(kRows) ? row : nullptr;
}

}  // namespace llrun
