#include "policies/strategy/external.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "policies/cost.h"
#include "policies/strategy/eligibility.h"

namespace llrun::policies {

namespace {

using nlohmann::json;

json census_json(const Census& census) {
  json counts = json::array();
  for (std::size_t i = 0; i < Census::kClasses; ++i) counts.push_back(census.at(i));
  return counts;
}

json node_json(const NodeView& node) {
  return {{"name", node.name},
          {"load", node.load},
          {"run_queue", node.run_queue},
          {"incoming", node.incoming},
          {"cores", node.cores},
          {"speed", node.speed},
          {"memory_bytes", node.memory_bytes},
          {"free_memory_bytes", node.free_memory_bytes},
          {"levelling", node.levelling},
          {"accepts", node.accepts},
          {"census", census_json(node.census)},
          {"age_s", node.age_s},
          {"rtt_s", node.link.rtt_s},
          {"bandwidth_bytes_per_s", node.link.bandwidth_bytes_per_s}};
}

json process_json(const ProcessView& process, const ClusterView& view) {
  json result{{"id", process.id},
              {"program", process.program},
              {"age_s", process.age_s},
              {"cpu_s", process.cpu_s},
              {"cpu_since_move_s", process.cpu_since_move_s},
              {"cpu_rate", process.cpu_rate},
              {"rss_bytes", process.rss_bytes},
              {"dirty_bytes", process.dirty_bytes},
              {"dirty_bytes_per_s", process.dirty_bytes_per_s},
              {"home_calls_per_s", process.home_calls_per_s},
              {"home_bytes_per_s", process.home_bytes_per_s},
              {"moves", process.moves},
              {"last_move_age_s", process.last_move_age_s},
              {"pinned", process.pinned},
              {"placed", process.placed}};
  if (process.home) result["home"] = view.peers[*process.home].name;
  if (process.remaining_cpu_s) result["remaining_cpu_s"] = *process.remaining_cpu_s;
  return result;
}

json question(const char* what, std::uint64_t id, const ClusterView& view) {
  json peers = json::array();
  for (const NodeView& node : view.peers) peers.push_back(node_json(node));
  return {{"schema", kExternalSchema}, {"question", what},        {"id", id},
          {"now_s", view.now_s},       {"place_s", view.place_s}, {"self", node_json(view.self)},
          {"peers", std::move(peers)}};
}

std::string text(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::unexpected<Error> wrong(const std::string& what) {
  return failure(ErrorCode::kProtocol, "the strategy's answer " + what);
}

Result<json> parse(std::string_view line) {
  json answer = json::parse(line, nullptr, false);
  if (!answer.is_object()) return wrong("is not a JSON object");
  return answer;
}

std::string reason_in(const json& object) {
  const auto found = object.find("reason");
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "the user's strategy says so";
}

// The peer that `object` names under "to"; none for null, nothing, or this node itself.
Result<std::optional<std::size_t>> target_in(const json& object, const ClusterView& view,
                                             double bytes) {
  const auto to = object.find("to");
  if (to == object.end() || to->is_null()) return std::nullopt;
  if (!to->is_string()) return wrong("has a \"to\" that is not a name");
  const auto& name = to->get_ref<const std::string&>();
  if (name == view.self.name) return std::nullopt;
  const auto found = std::ranges::find(view.peers, name, &NodeView::name);
  if (found == view.peers.end())
    return wrong("names the node " + name + ", which it was not told of");
  if (!can_receive(*found, bytes))
    return wrong("names the node " + name + ", which cannot receive");
  return static_cast<std::size_t>(found - view.peers.begin());
}

Result<Decision> move_in(const json& move, const ClusterView& view,
                         std::span<const ProcessView> processes) {
  if (!move.is_object() || !move.contains("process") || !move["process"].is_number_unsigned())
    return wrong("has a move without a process");
  const auto id = move["process"].get<std::uint64_t>();
  const auto process = std::ranges::find(processes, id, &ProcessView::id);
  if (process == processes.end())
    return wrong("names process " + std::to_string(id) + ", which it was not told of");
  if (process->pinned) return wrong("moves process " + std::to_string(id) + ", which is pinned");
  LLRUN_TRY_ASSIGN(const auto peer, target_in(move, view, process->rss_bytes));
  const Offer offer{s_per_cpu_s(view.self, view.self.crowd()), process->rss_bytes, false,
                    process->cpu_s};
  return Decision{id, peer, reason_in(move), {}, offer};
}

}  // namespace

std::string decide_question(std::uint64_t id, const ClusterView& view,
                            std::span<const ProcessView> processes) {
  json object = question("decide", id, view);
  json list = json::array();
  for (const ProcessView& process : processes) list.push_back(process_json(process, view));
  object["processes"] = std::move(list);
  return text(object);
}

std::string place_question(std::uint64_t id, const ClusterView& view, const ExecView& exec) {
  json object = question("place", id, view);
  object["exec"] = {{"program", exec.program},
                    {"rss_bytes", exec.rss_bytes},
                    {"home_calls_per_s", exec.home_calls_per_s}};
  if (exec.expected_cpu_s) object["exec"]["expected_cpu_s"] = *exec.expected_cpu_s;
  return text(object);
}

Result<std::uint64_t> answer_id(std::string_view line) {
  LLRUN_TRY_ASSIGN(const json answer, parse(line));
  const auto id = answer.find("id");
  if (id == answer.end() || !id->is_number_unsigned()) return wrong("has no id");
  return id->get<std::uint64_t>();
}

Result<std::vector<Decision>> decide_answer(std::string_view line, const ClusterView& view,
                                            std::span<const ProcessView> processes) {
  LLRUN_TRY_ASSIGN(const json answer, parse(line));
  std::vector<Decision> decisions;
  const auto moves = answer.find("moves");
  if (moves == answer.end()) return decisions;
  if (!moves->is_array()) return wrong("has \"moves\" that are not a list");
  std::set<std::uint64_t> seen;
  for (const json& move : *moves) {
    LLRUN_TRY_ASSIGN(Decision decision, move_in(move, view, processes));
    if (!seen.insert(decision.process).second)
      return wrong("moves process " + std::to_string(decision.process) + " twice");
    if (decision.peer || view.explain) decisions.push_back(std::move(decision));
  }
  return decisions;
}

Result<Placement> place_answer(std::string_view line, const ClusterView& view,
                               const ExecView& exec) {
  LLRUN_TRY_ASSIGN(const json answer, parse(line));
  LLRUN_TRY_ASSIGN(const auto peer, target_in(answer, view, exec.rss_bytes));
  const Offer offer{s_per_cpu_s(view.self, view.self.crowd() + 1), exec.rss_bytes, true};
  return Placement{peer, reason_in(answer), {}, offer};
}

}  // namespace llrun::policies
