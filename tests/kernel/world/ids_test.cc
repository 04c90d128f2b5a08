// Ids in a world are home's: processes, sessions, groups, users, threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/kernel/world/test_world.h"

namespace llrun::testing {
namespace {
using Numbers = std::vector<long>;

void run(TestWorld& test) {
  test.build();
  if (::testing::Test::HasFatalFailure()) return;
  test.start_guest();
  if (::testing::Test::HasFatalFailure()) return;
  const auto released = test.world().release_guest();
  ASSERT_TRUE(released) << released.error().message();
}

protocol::MakeWorld with_ids(int pid, int parent, int session, int group, int parent_session,
                             int parent_group, bool orphaned = false) {
  auto make = TestWorld::usual();
  make.set_pid(pid);
  make.set_parent(parent);
  make.set_session(session);
  make.set_group(group);
  make.set_parent_session(parent_session);
  make.set_parent_group(parent_group);
  make.set_group_orphaned(orphaned);
  return make;
}

class ProcessIds : public ::testing::TestWithParam<protocol::MakeWorld> {};
INSTANTIATE_TEST_SUITE_P(
    All, ProcessIds,
    ::testing::Values(with_ids(30050, 30040, 30040, 30050, 30040, 30040),  // a shell's job
                      with_ids(30050, 30040, 30040, 30048, 30040, 30040),  // in a pipeline
                      with_ids(30050, 30045, 30040, 30045, 30040, 30045),  // a script's
                      with_ids(30050, 30045, 30040, 30045, 30040, 30045, true),
                      with_ids(30050, 30045, 30050, 30050, 30040, 30045),  // leads its session
                      with_ids(30050, 1, 30045, 30045, 1, 1, true),        // a daemon
                      with_ids(30050, 30030, 30040, 30045, 30020, 30025, true),        // reparented
                      with_ids(30050, 30045, 0, 0, 0, 0), with_ids(2, 3, 4, 5, 4, 3),  // small ids
                      with_ids(30050, 1, 1, 30050, 1, 1)));  // in a container

TEST_P(ProcessIds, AreHomes) {
  const auto& make = GetParam();
  TestWorld test(make);
  run(test);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_EQ(test.ask_numbers("ids"),
            (Numbers{make.pid(), make.parent(), make.session(), make.group(), make.pid()}));
  const std::string stat = test.ask("slurp /proc/self/stat");
  const std::string expected = std::to_string(make.pid()) + " (memfd:guest) R " +
                               std::to_string(make.parent()) + " " + std::to_string(make.group()) +
                               " " + std::to_string(make.session()) + " ";
  EXPECT_EQ(stat.substr(0, expected.size()), expected);
  if (make.parent() > 1) {
    const std::string parent = test.ask("slurp /proc/" + std::to_string(make.parent()) + "/stat");
    EXPECT_NE(parent.find(" " + std::to_string(make.parent_group()) + " " +
                          std::to_string(make.parent_session()) + " "),
              std::string::npos)
        << parent;
  }
  test.end();
}

TEST(Ids, UsersAndGroupsAreHomesAsFarAsTheNodeAllows) {
  TestWorld test;
  run(test);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_EQ(test.world().ready().all_users_mapped(), subordinate_run());
  EXPECT_EQ(test.world().ready().all_groups_mapped(), subordinate_run());
  EXPECT_EQ(test.world().ready().warning().empty(), subordinate_run())
      << test.world().ready().warning();
  auto users = test.ask_numbers("users");
  ASSERT_GE(users.size(), 4U);
  EXPECT_EQ(Numbers(users.begin(), users.begin() + 4), (Numbers{1234, 1234, 2345, 2345}));
  if (subordinate_run()) {
    std::sort(users.begin() + 4, users.end());  // the kernel's order is that of the ids outside
    EXPECT_EQ(Numbers(users.begin() + 4, users.end()), (Numbers{27, 2345}));
    EXPECT_EQ(test.ask("owner /dev"), "0 0");
  }
  EXPECT_EQ(test.ask("owner /ask"), "1234 2345");
  test.end();
}

TEST(Ids, ThreadsAndChildrenGetTheIdsAskedFor) {
  TestWorld test;
  run(test);
  ASSERT_FALSE(HasFatalFailure());
  for (const int id : {31000, 30051, 400000, 77}) {
    ASSERT_TRUE(test.world().set_next_pid(GuestTid{id}));
    EXPECT_EQ(test.ask("thread"), std::to_string(id));
  }
  ASSERT_TRUE(test.world().set_next_pid(GuestTid{32000}));
  EXPECT_EQ(test.ask("child"), "32000");
  test.end();
}

TEST(Ids, NothingElseTakesIdsThatHomeMayGiveOut) {
  TestWorld test;
  run(test);
  ASSERT_FALSE(HasFatalFailure());
  std::string processes = test.ask("list /proc");
  EXPECT_NE(processes.find("1 30040 30050 "), std::string::npos) << processes;
  std::size_t numbers = 0;
  std::istringstream words(processes);
  for (std::string word; words >> word;)
    if (word.find_first_not_of("0123456789") == std::string::npos) ++numbers;
  EXPECT_EQ(numbers, 3U) << processes;
  test.end();
}

// The kill is asynchronous; the guest looks again until its parent has gone.
void expect_parent(TestWorld& test, long parent) {
  Numbers ids;
  for (int tries = 0; tries < 10000; ++tries) {
    ids = test.ask_numbers("ids");
    if (ids[1] == parent) break;
  }
  EXPECT_EQ(ids, (Numbers{30050, parent, 30040, 30050, 30050}));
}

TEST(Ids, AParentThatHasDiedIsInit) {
  TestWorld test(with_ids(30050, 30045, 30040, 30050, 30040, 30045));
  run(test);
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(test.world().parent_died(GuestPid{1}));
  expect_parent(test, 1);
  test.end();
}

TEST(Ids, AParentThatHasDiedIsTheAncestorThatHomeNames) {
  auto make = with_ids(30050, 30045, 30040, 30050, 30040, 30045);
  for (const int ancestor : {30040, 30030, 30020, 30010}) make.add_ancestors(ancestor);
  TestWorld test(make);
  run(test);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_EQ(test.ask_numbers("ids")[1], 30045);
  ASSERT_TRUE(test.world().parent_died(GuestPid{30020}));
  expect_parent(test, 30020);
  ASSERT_TRUE(test.world().parent_died(GuestPid{30010}));
  expect_parent(test, 30010);
  ASSERT_TRUE(test.world().parent_died(GuestPid{1}));
  expect_parent(test, 1);
  test.end();
}

}  // namespace
}  // namespace llrun::testing
