#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>&) {
  protocol::ControlMessage question;
  question.mutable_verb()->set_verb("status");
  return session.ask(question, {}, false);
}

}  // namespace

const Verb kStatus{"status", "", "the agent, in one line", "", 0, 0, run};

}  // namespace llrun::ctl
