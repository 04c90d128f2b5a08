// A user's own strategy as a program: the two examples, and programs that fail in every way.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "supervisor/agent/external_strategy.h"
#include "tests/unit/policies/clusters.h"

namespace llrun::agent {
namespace {

using namespace std::chrono_literals;
using policies::testing::cluster;
using policies::testing::node;
using policies::testing::process;

class ExternalProgramTest : public ::testing::Test {
 protected:
  ExternalProgramTest() : view(cluster(node("a", 5), peers)) {
    char name[] = "/tmp/llrun-strategy-XXXXXX";
    folder = mkdtemp(name);
  }
  ~ExternalProgramTest() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<ExternalStrategy> run(const std::string& path,
                                        std::chrono::milliseconds limit = 10s) {
    ExternalStrategyOptions options;
    options.command = {path};
    options.limit = limit;
    options.first_pause = 0ms;
    return std::make_unique<ExternalStrategy>(options, policies::testing::make("none"));
  }
  std::unique_ptr<ExternalStrategy> script(const std::string& text,
                                           std::chrono::milliseconds limit = 10s) {
    const std::string path = folder + "/strategy" + std::to_string(++scripts);
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return run(path, limit);
  }

  std::vector<policies::NodeView> peers{node("b", 0)};
  std::vector<policies::ProcessView> processes{process(7, 20), process(8, 10)};
  policies::ClusterView view;
  std::string folder;
  int scripts = 0;
};

TEST_F(ExternalProgramTest, ThePythonExampleMovesAndPlaces) {
  auto strategy = run(LLRUN_EXAMPLES "/emptiest.py");
  const auto moves = strategy->decide(view, processes);
  ASSERT_EQ(moves.size(), 1U) << strategy->complaint();
  EXPECT_EQ(moves[0].process, 7U);
  EXPECT_EQ(strategy->place(view, {}).peer, 0U);
  EXPECT_EQ(strategy->complaint(), "");
}

TEST_F(ExternalProgramTest, TheShellExampleMovesAndPlacesNothing) {
  auto strategy = run(LLRUN_EXAMPLES "/never-at-start.sh");
  const auto moves = strategy->decide(view, processes);
  ASSERT_EQ(moves.size(), 1U) << strategy->complaint();
  EXPECT_EQ(moves[0].process, 7U);
  EXPECT_FALSE(strategy->place(view, {}).peer);
  view.self.run_queue = 2;
  EXPECT_TRUE(strategy->decide(view, processes).empty());
  EXPECT_EQ(strategy->complaint(), "");
}

TEST_F(ExternalProgramTest, TheFallbackDecidesWhenTheProgramEnds) {
  auto strategy = script("exit 3");
  EXPECT_TRUE(strategy->decide(view, processes).empty());
  EXPECT_NE(strategy->complaint().find("none decides meanwhile"), std::string::npos)
      << strategy->complaint();
}

TEST_F(ExternalProgramTest, TheFallbackDecidesWhenTheProgramIsLate) {
  auto strategy = script("while read -r line; do :; done", 50ms);
  EXPECT_TRUE(strategy->decide(view, processes).empty());
  EXPECT_NE(strategy->complaint().find("too long"), std::string::npos) << strategy->complaint();
}

TEST_F(ExternalProgramTest, TheFallbackDecidesWhenTheAnswerIsNonsense) {
  auto strategy = script("while read -r line; do echo nonsense; done");
  EXPECT_TRUE(strategy->decide(view, processes).empty());
  EXPECT_NE(strategy->complaint().find("not a JSON object"), std::string::npos)
      << strategy->complaint();
}

TEST_F(ExternalProgramTest, AProgramThatWillNotRunIsSaidSoInWords) {
  auto strategy = run(folder + "/absent");
  EXPECT_TRUE(strategy->decide(view, processes).empty());
  EXPECT_NE(strategy->complaint().find("absent"), std::string::npos);
}

TEST_F(ExternalProgramTest, ItIsStartedAgainButNotForEver) {
  auto strategy = script("exit 0");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(strategy->decide(view, processes).empty());
  EXPECT_GE(strategy->starts(), 1);
  EXPECT_LE(strategy->starts(), 8);
}

TEST_F(ExternalProgramTest, NamesOfProgramsAndBuiltInsAreTold) {
  EXPECT_EQ((*make_any_strategy("lifetime", {}))->name(), "lifetime");
  EXPECT_EQ((*make_any_strategy("exec:/bin/cat", {}))->name(), "exec:/bin/cat");
  EXPECT_FALSE(make_any_strategy("exec:cat", {}));
  EXPECT_FALSE(make_any_strategy("exec:", {}));
}

}  // namespace
}  // namespace llrun::agent
