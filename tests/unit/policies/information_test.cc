#include "policies/information/information.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/unit/policies/clusters.h"

namespace llrun::policies {
namespace {

using testing::node;

// A network without delay; vanished nodes neither send nor receive.
class InformationTest : public ::testing::TestWithParam<const char*> {
 protected:
  void make_nodes(int count) {
    auto list = std::make_shared<std::vector<Peer>>();
    for (int i = 0; i < count; ++i) list->push_back({name_of(i), {}});
    peers_ = list;
    for (int i = 0; i < count; ++i) start(i, 1);
  }
  static std::string name_of(int i) { return "n" + std::to_string(i); }
  void start(int i, std::uint64_t incarnation) {
    InformationOptions options;
    options.self = name_of(i);
    options.incarnation = incarnation;
    options.seed = static_cast<std::uint64_t>(i) + 1;
    nodes_[name_of(i)] = *make_information_policy(GetParam(), options);
    nodes_[name_of(i)]->set_peers(peers_);
  }
  void vanish(int i) { nodes_.erase(name_of(i)); }
  void run(int seconds) {
    for (int s = 0; s < seconds; ++s, ++now_)
      for (auto& [name, policy] : nodes_) deliver(policy->tick(now_, node("", loads_[name])));
  }
  void deliver(std::vector<Outgoing> messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const Outgoing out = messages[i];
      const auto to = nodes_.find(out.to);
      if (to == nodes_.end()) continue;
      for (auto& answer : to->second->receive(now_, out.message)) messages.push_back(answer);
    }
  }
  std::set<std::string> known_to(int i) {
    std::set<std::string> names;
    for (const NodeView& view : nodes_.at(name_of(i))->view(now_)) names.insert(view.name);
    return names;
  }

  std::map<std::string, std::unique_ptr<InformationPolicy>> nodes_;
  std::map<std::string, double> loads_;
  PeerList peers_;
  int now_ = 0;
};

TEST_P(InformationTest, EveryNodeLearnsOfEveryOther) {
  make_nodes(8);
  run(20);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(known_to(i).size(), 7U) << name_of(i);
    EXPECT_FALSE(known_to(i).contains(name_of(i)));
  }
}

TEST_P(InformationTest, LoadsArriveAndAreYoung) {
  make_nodes(5);
  loads_["n3"] = 7;
  run(20);
  for (const NodeView& view : nodes_.at("n1")->view(now_)) {
    EXPECT_EQ(view.load, view.name == "n3" ? 7 : 0);
    EXPECT_LE(view.age_s, 6);
  }
}

TEST_P(InformationTest, VanishedNodesAreForgottenTheFirstIncluded) {
  make_nodes(8);
  run(20);
  vanish(0);
  vanish(5);
  run(60);
  for (const int i : {1, 2, 3, 4, 6, 7}) {
    EXPECT_EQ(known_to(i).size(), 5U) << name_of(i);
    EXPECT_FALSE(known_to(i).contains("n0"));
  }
}

TEST_P(InformationTest, ARestartedNodeIsBelievedThoughItCountsAnew) {
  make_nodes(4);
  run(20);
  loads_["n2"] = 3;
  start(2, 2);
  run(10);
  for (const NodeView& view : nodes_.at("n1")->view(now_)) {
    if (view.name == "n2") {
      EXPECT_EQ(view.load, 3);
    }
  }
  EXPECT_TRUE(known_to(1).contains("n2"));
}

TEST_P(InformationTest, AnUnreachableNodeIsDroppedAtOnce) {
  make_nodes(4);
  run(10);
  nodes_.at("n1")->unreachable("n2");
  EXPECT_FALSE(known_to(1).contains("n2"));
}

INSTANTIATE_TEST_SUITE_P(Policies, InformationTest, ::testing::Values("direct", "master", "gossip"),
                         [](const auto& info) { return std::string(info.param); });

TEST(InformationFactory, RefusesUnknownNames) {
  EXPECT_FALSE(make_information_policy("rumour", {}));
}

}  // namespace
}  // namespace llrun::policies
