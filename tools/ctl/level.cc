#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

constexpr const char* kAllNodes = "*";

// Of the node that was named, of all with --all, else of this one.
int ask(Session& session, const char* verb, const std::string& argument,
        const std::vector<std::string>& nodes) {
  const bool all = session.flags.contains("all");
  if (all && !nodes.empty())
    return session.fail(kUsage, std::string(verb) + " wants a node or --all, not both");
  protocol::ControlMessage question;
  question.mutable_verb()->set_verb(verb);
  if (!argument.empty()) question.mutable_verb()->add_arguments(argument);
  if (!nodes.empty()) question.mutable_verb()->set_node(nodes[0]);
  if (all) question.mutable_verb()->set_node(kAllNodes);
  return session.ask(question);
}

int level(Session& session, const std::vector<std::string>& words) {
  if (words[0] == "on" || words[0] == "off")
    return ask(session, "level", words[0], {words.begin() + 1, words.end()});
  return session.fail(kUsage, "level wants on or off");
}

int block(Session& session, const std::vector<std::string>& words) {
  return ask(session, "block", "", words);
}
int accept(Session& session, const std::vector<std::string>& words) {
  return ask(session, "accept", "", words);
}
int drain(Session& session, const std::vector<std::string>& words) {
  return ask(session, "drain", session.flags.contains("undo") ? "undo" : "", words);
}

}  // namespace

const Verb kLevel{
    "level", "on|off [NODE|--all]", "whether a node takes part in levelling", "all", 1, 2, level};
const Verb kBlock{"block", "[NODE|--all]", "take no guests on a node", "all", 0, 1, block};
const Verb kAccept{"accept", "[NODE|--all]", "take guests on a node", "all", 0, 1, accept};
const Verb kDrain{"drain",
                  "[NODE] [--undo]",
                  "let the guests of a node leave, and take no others",
                  "undo all",
                  0,
                  1,
                  drain};

}  // namespace llrun::ctl
