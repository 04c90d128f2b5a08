#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/fd.h"
#include "tracer/calls/call_table.h"
#include "tracer/calls/document.h"

namespace llrun {
namespace {

struct InstalledCall {
  std::string_view name;
  std::uint32_t number;
};
constexpr InstalledCall kInstalled[] = {
#include "installed_calls.inc"
};

TEST(CallTable, ListsEveryCallOfTheInstalledHeaders) {
  static_assert(std::size(kInstalled) > 350, "the headers were not read");
  for (const auto& [name, number] : kInstalled) {
    const CallRow* row = find_call(std::uint64_t{number});
    ASSERT_NE(row, nullptr) << "unlisted call " << name << " (" << number << ")";
    EXPECT_EQ(row->name, name) << number;
  }
}

TEST(CallTable, KnowsCallsNewerThanTheOldestHeaders) {
  EXPECT_EQ(find_call("mseal")->number, 462U);
  EXPECT_EQ(find_call("setxattrat")->number, 463U);
  EXPECT_EQ(find_call("file_setattr")->number, 469U);
  EXPECT_EQ(find_call("uretprobe")->number, 335U);
}

TEST(CallTable, HasNoGapsButTheKernels) {
  std::uint32_t expected = 0;
  for (const auto& row : call_table()) {
    if (expected == 337) expected = 424;  // reserved so that all machines share the newer numbers
    EXPECT_EQ(row.number, expected++) << row.name;
  }
}

TEST(CallTable, UnknownNumbersHaveNoRow) {
  EXPECT_EQ(find_call(std::uint64_t{400}), nullptr);
  EXPECT_EQ(find_call(std::uint64_t{100000}), nullptr);
  EXPECT_EQ(find_call(0x1'0000'0000), nullptr);
  EXPECT_EQ(find_call("no_such_call"), nullptr);
}

TEST(CallTable, NamesAreUniqueAndEachRowSaysWhy) {
  std::set<std::string_view> names;
  for (const auto& row : call_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.why.empty()) << row.name;
  }
}

TEST(CallTable, OnlyConditionalAndThreadRowsAreDecided) {
  for (const auto& row : call_table()) {
    const bool decided = row.where == CallClass::kConditional || row.where == CallClass::kThread;
    EXPECT_EQ(row.decision != Decision::kNone, decided) << row.name;
  }
}

TEST(CallTable, WhatNobodyMayMakeOnAPeer) {
  for (const char* name :
       {"keyctl", "add_key", "request_key", "bpf", "perf_event_open", "io_uring_setup",
        "io_uring_enter", "io_uring_register", "unshare", "setns", "mount", "umount2", "fsopen",
        "fsmount", "move_mount", "open_tree", "pivot_root", "chroot", "open_by_handle_at"})
    EXPECT_EQ(find_call(name)->maker, Maker::kNobody) << name;
  for (const auto& row : call_table())
    EXPECT_TRUE(row.maker != Maker::kNobody || row.where == CallClass::kBringsHome) << row.name;
}

TEST(CallTable, ArgumentsHaveNoGaps) {
  for (const auto& row : call_table()) {
    bool ended = false;
    for (const auto kind : row.args) {
      EXPECT_FALSE(ended && kind != ArgKind::kNone) << row.name;
      ended = ended || kind == ArgKind::kNone;
    }
  }
}

TEST(CallTable, DocumentIsUpToDate) {
  const auto text = read_whole_file(LLRUN_CALLS_MD);
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_EQ(*text, call_document()) << "run: ninja document_calls";
}

}  // namespace
}  // namespace llrun
