#include "policies/strategy/external.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/policies/clusters.h"

namespace llrun::policies {
namespace {

using nlohmann::json;
using testing::cluster;
using testing::node;
using testing::process;

class ExternalTest : public ::testing::Test {
 protected:
  ExternalTest() {
    processes[1].pinned = true;
    peers[1].accepts = false;
    view = cluster(node("a", 4), peers);
  }
  std::vector<NodeView> peers{node("b", 0), node("c", 0)};
  std::vector<ProcessView> processes{process(7, 20), process(8, 30)};
  ClusterView view;
};

TEST_F(ExternalTest, TheQuestionTellsWhatIsKnown) {
  const json question = json::parse(decide_question(5, view, processes));
  EXPECT_EQ(question["schema"], 1);
  EXPECT_EQ(question["id"], 5);
  EXPECT_EQ(question["question"], "decide");
  EXPECT_EQ(question["self"]["run_queue"], 4);
  EXPECT_EQ(question["peers"].size(), 2U);
  EXPECT_EQ(question["processes"][1]["pinned"], true);
  EXPECT_EQ(json::parse(place_question(6, view, {}))["question"], "place");
}

TEST_F(ExternalTest, QuestionsAreOneLineWhateverAProgramIsCalled) {
  processes[0].program = "evil\n\"name\"\xff";
  EXPECT_EQ(decide_question(1, view, processes).find('\n'), std::string::npos);
}

TEST_F(ExternalTest, AMoveBecomesADecision) {
  const auto moves =
      decide_answer(R"({"id":1,"moves":[{"process":7,"to":"b","reason":"r"}]})", view, processes);
  ASSERT_TRUE(moves);
  ASSERT_EQ(moves->size(), 1U);
  EXPECT_EQ(moves->front().process, 7U);
  EXPECT_EQ(moves->front().peer, 0U);
  EXPECT_EQ(moves->front().reason, "r");
}

TEST_F(ExternalTest, NothingNullAndOneselfMeanStay) {
  for (const char* answer :
       {R"({"id":1})", R"({"id":1,"moves":[]})", R"({"id":1,"moves":[{"process":7,"to":null}]})",
        R"({"id":1,"moves":[{"process":7,"to":"a"}]})"}) {
    const auto moves = decide_answer(answer, view, processes);
    ASSERT_TRUE(moves) << answer;
    EXPECT_TRUE(moves->empty()) << answer;
  }
}

TEST_F(ExternalTest, NonsenseIsRefusedInWords) {
  for (const char* answer :
       {"", "x", "[]", "3", R"({"moves":3})", R"({"moves":[3]})", R"({"moves":[{"process":"7"}]})",
        R"({"moves":[{"process":7,"to":3}]})", R"({"moves":[{"process":7,"to":"z"}]})",
        R"({"moves":[{"process":7,"to":"c"}]})", R"({"moves":[{"process":8,"to":"b"}]})",
        R"({"moves":[{"process":99,"to":"b"}]})", R"({"moves":[{"process":-7,"to":"b"}]})",
        R"({"moves":[{"process":7,"to":"b"},{"process":7,"to":"b"}]})"}) {
    const auto moves = decide_answer(answer, view, processes);
    ASSERT_FALSE(moves) << answer;
    EXPECT_EQ(moves.error().code, ErrorCode::kProtocol);
    EXPECT_FALSE(moves.error().message().empty());
  }
}

TEST_F(ExternalTest, PlacementsAreReadAndChecked) {
  EXPECT_EQ(place_answer(R"({"id":1,"to":"b"})", view, {})->peer, 0U);
  EXPECT_FALSE(place_answer(R"({"id":1,"to":null})", view, {})->peer);
  EXPECT_FALSE(place_answer(R"({"id":1,"to":"c"})", view, {}));
}

TEST_F(ExternalTest, AnswersAreToldApartById) {
  EXPECT_EQ(*answer_id(R"({"id":12})"), 12U);
  EXPECT_FALSE(answer_id("{}"));
}

}  // namespace
}  // namespace llrun::policies
