// A line of a user's own strategy, taken for each kind of answer.
#include "policies/strategy/external.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace llrun::policies;
using llrun::fuzz::Counter;

Counter ids("ids");
Counter decisions_taken("decisions");
Counter placements("placements");
Counter refused("refused");

struct Question {
  Question() {
    view.self.name = "home";
    for (const char* name : {"b", "c", "full"}) nodes.emplace_back().name = name;
    nodes[2].accepts = false;
    view.peers = nodes;
    for (const std::uint64_t id : {4711, 4712, 4713}) processes.emplace_back().id = id;
    processes[2].pinned = true;
  }
  std::vector<NodeView> nodes;
  std::vector<ProcessView> processes;
  ClusterView view;
};

void check_decisions(const Question& asked, const std::vector<Decision>& decisions) {
  for (const auto& decision : decisions) {
    LLRUN_CHECK(decision.process == 4711 || decision.process == 4712, "a process it may move");
    LLRUN_CHECK(!decision.peer || *decision.peer < asked.nodes.size(), "a node that there is");
    LLRUN_CHECK(!decision.peer || asked.nodes[*decision.peer].accepts, "a node that can receive");
    llrun::fuzz::touch(decision.reason);
    ++decisions_taken;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Question asked;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  ++(answer_id(line) ? ids : refused);
  if (const auto decisions = decide_answer(line, asked.view, asked.processes))
    check_decisions(asked, *decisions);
  else
    ++refused;
  if (const auto placement = place_answer(line, asked.view, {})) {
    LLRUN_CHECK(!placement->peer || *placement->peer < 2, "a node that can receive");
    ++placements;
  }
  return 0;
}

std::vector<std::string> llrun::fuzz::seeds() {
  return {R"({"id":1,"moves":[{"process":4711,"to":"b","reason":"it is \"long\" \u00e9"}]})",
          R"({"id":2,"moves":[{"process":4711,"to":null},{"process":4712,"to":"c"}]})",
          R"({"id":3,"moves":[{"process":4713,"to":"b"}]})", R"({"id":4,"to":"c","reason":"idle"})",
          R"({"id":18446744073709551615,"moves":[],"more":[1e308,-0.5,true,{"a":[[]]}]})"};
}
