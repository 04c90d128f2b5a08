#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>&) {
  protocol::ControlMessage question;
  question.mutable_verb()->set_verb("best");
  if (session.flags.contains("explain")) question.mutable_verb()->add_arguments("explain");
  return session.ask(question);
}

}  // namespace

const Verb kBest{
    "best", "[--explain]", "the node on which a program would run soonest now", "explain", 0, 0,
    run};

}  // namespace llrun::ctl
