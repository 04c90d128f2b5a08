#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int ask(Session& session, const char* verb, const std::vector<std::string>& words) {
  protocol::ControlMessage question;
  question.mutable_verb()->set_verb(verb);
  for (const auto& word : words) question.mutable_verb()->add_arguments(word);
  return session.ask(question);
}

int level(Session& session, const std::vector<std::string>& words) {
  if (words[0] == "on" || words[0] == "off") return ask(session, "level", words);
  return session.fail(kUsage, "level wants on or off");
}

int block(Session& session, const std::vector<std::string>& words) {
  return ask(session, "block", words);
}
int accept(Session& session, const std::vector<std::string>& words) {
  return ask(session, "accept", words);
}

}  // namespace

const Verb kLevel{"level", "on|off", "whether this node takes part in levelling", "", 1, 1, level};
const Verb kBlock{"block", "", "take no guests on this node", "", 0, 0, block};
const Verb kAccept{"accept", "", "take guests on this node", "", 0, 0, accept};

}  // namespace llrun::ctl
