#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

// The lines of the agent as they are, or in words.
class Report {
 public:
  Report(const Session& session, std::string node) : session_(session), node_(std::move(node)) {}

  void add(const std::string& line) {
    const auto finding = nlohmann::ordered_json::parse(line, nullptr, false);
    if (!finding.is_object()) return;
    const auto text = [&](const char* key) { return finding.value(key, std::string()); };
    something_is_missing_ |= text("finding") == "missing";
    if (!session_.json) return print(text);
    nlohmann::ordered_json shown{{"schema", kSchema}, {"node", node_}};
    shown.update(finding);
    std::puts(shown.dump().c_str());
  }
  [[nodiscard]] bool something_is_missing() const { return something_is_missing_; }

 private:
  template <typename Text>
  static void print(const Text& text) {
    std::printf("%-8s %s: %s\n", text("finding").c_str(), text("about").c_str(),
                text("what").c_str());
    if (!text("lost").empty()) std::printf("         what that costs: %s\n", text("lost").c_str());
    if (!text("remedy").empty())
      std::printf("         to change that: %s\n", text("remedy").c_str());
  }

  const Session& session_;
  std::string node_;
  bool something_is_missing_ = false;
};

int examine(Session& session, const protocol::AgentVerb& verb, const std::string& title,
            bool& missing) {
  protocol::ControlMessage question;
  *question.mutable_verb() = verb;
  if (!session.json) std::printf("%s\n", title.c_str());
  Report report(session, verb.node().empty() ? session.node : verb.node());
  const int status =
      session.ask(question, [&](const protocol::Row& row) { report.add(row.line()); });
  missing |= report.something_is_missing();
  return status;
}

int run(Session& session, const std::vector<std::string>& words) {
  bool missing = false;
  protocol::AgentVerb verb;
  verb.set_verb("doctor");
  const bool other = !words.empty() && words[0] != session.node;
  if (!other) {
    const int status = examine(session, verb, "Node " + session.node + ":", missing);
    return status != kDone ? status : (missing ? kRefused : kDone);
  }
  verb.set_node(words[0]);
  int status = examine(session, verb, "Node " + words[0] + ":", missing);
  if (status != kDone) return status;
  verb.set_verb("pair");
  verb.clear_node();
  verb.add_arguments(words[0]);
  status = examine(session, verb, "Between " + session.node + " and " + words[0] + ":", missing);
  return status != kDone ? status : (missing ? kRefused : kDone);
}

}  // namespace

const Verb kDoctor{
    "doctor", "[NODE]", "what a node, and the way to it, must offer; and what would change it",
    "",       0,        1,
    run};

}  // namespace llrun::ctl
