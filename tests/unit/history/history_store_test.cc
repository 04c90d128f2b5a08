#include "supervisor/history/history_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace llrun::history {
namespace {

using policies::RunRecord;

class HistoryStoreTest : public ::testing::Test {
 protected:
  HistoryStoreTest() {
    char name[] = "/tmp/llrun-history-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~HistoryStoreTest() override { std::filesystem::remove_all(directory_); }

  HistoryStore open() {
    return {directory_, [this](const std::string& words) { told_.push_back(words); }};
  }
  static RunRecord run_of(double cpu_s) { return {cpu_s, 1000, 1 << 20, 0}; }

  const ProgramKey povray_{"/usr/bin/povray", "aa11"};
  std::string directory_;
  std::vector<std::string> told_;
};

TEST_F(HistoryStoreTest, WhatWasRecordedIsThereTheNextTime) {
  {
    auto store = open();
    EXPECT_EQ(store.find(povray_), nullptr);
    for (int i = 0; i < 20; ++i) store.record(povray_, run_of(300), 1000 + i);
    ASSERT_NE(store.find(povray_), nullptr);
  }
  auto store = open();
  const auto* history = store.find(povray_);
  ASSERT_NE(history, nullptr);
  EXPECT_NEAR(history->cpu_s.quantile(0.5), 300, 60);
  EXPECT_GT(policies::remaining_cpu_s(history, 5), 150) << "not 5, as the 1/T law has it";
  const auto rows = store.all();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].runs, 20);
  EXPECT_EQ(rows[0].last_run_s, 1019);
  EXPECT_TRUE(told_.empty()) << told_[0];
}

TEST_F(HistoryStoreTest, ANewBuildIsJudgedByTheOldOnesUntilItHasRun) {
  auto store = open();
  store.record(povray_, run_of(300), 1);
  const ProgramKey fresh{povray_.path, "bb22"};
  ASSERT_NE(store.find(fresh), nullptr);
  EXPECT_NEAR(store.find(fresh)->cpu_s.quantile(0.5), 300, 60);
  store.record(fresh, run_of(10), 2);
  EXPECT_NEAR(store.find(fresh)->cpu_s.quantile(0.5), 10, 2);
  EXPECT_EQ(store.find({"/usr/bin/other", "aa11"}), nullptr);
}

TEST_F(HistoryStoreTest, TwoAgentsAddUp) {
  auto one = open(), other = open();
  one.record(povray_, run_of(1), 1);
  other.record(povray_, run_of(100), 2);
  one.record(povray_, run_of(1), 3);
  EXPECT_EQ(one.all().at(0).runs, 3);
  EXPECT_NEAR(one.find(povray_)->cpu_s.weight(), 0.98 * 0.98 + 0.98 + 1, 0.01);
}

TEST_F(HistoryStoreTest, ADamagedFileIsKeptAsideAndSaid) {
  { open().record(povray_, run_of(1), 1); }
  std::ofstream(directory_ + "/history.db", std::ios::trunc) << std::string(8192, 'x');
  auto store = open();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("was damaged"), std::string::npos) << told_[0];
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/history.db.damaged"));
  EXPECT_EQ(store.trouble(), "");
  store.record(povray_, run_of(2), 2);
  EXPECT_EQ(open().all().size(), 1U);
}

TEST_F(HistoryStoreTest, ADirectoryThatCannotBeWrittenCostsOnlyTheMemoryOfIt) {
  auto store = HistoryStore(directory_ + "/absent",
                            [this](const std::string& words) { told_.push_back(words); });
  EXPECT_NE(store.trouble().find("in memory only"), std::string::npos);
  store.record(povray_, run_of(7), 1);
  store.record(povray_, run_of(7), 2);
  EXPECT_EQ(store.all().at(0).runs, 2);
  EXPECT_EQ(told_.size(), 1U) << "it is said once";
}

// A file that may not grow is what a full disk is to SQLite.
TEST_F(HistoryStoreTest, AFullDiskIsSaidOnceAndNothingIsLostMeanwhile) {
  auto store = open();
  store.record(povray_, run_of(1), 1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  store.record(povray_, run_of(1), 2);
  store.record(povray_, run_of(1), 3);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("in memory only"), std::string::npos) << told_[0];
  EXPECT_EQ(store.all().at(0).runs, 3) << "in memory they are counted";
  store.record(povray_, run_of(1), 4);
  EXPECT_EQ(store.trouble(), "");
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_NE(told_[1].find("again"), std::string::npos);
}

}  // namespace
}  // namespace llrun::history
