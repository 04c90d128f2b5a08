#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  const bool all = session.flags.contains("all");
  if (!all && words.empty())
    return session.fail(kUsage, "home wants the number of a process, or --all");
  protocol::ControlMessage question;
  if (all && !words.empty()) {  // the programs of another node, wherever they are
    question.mutable_verb()->set_verb("home");
    question.mutable_verb()->set_node(words[0]);
    return session.ask(question);
  }
  question.mutable_come_home()->set_reason("asked for by hand");
  question.mutable_come_home()->set_all(all);
  if (all) return session.ask(question);
  const int pid = process_of(session, words[0]);
  if (pid == 0) return kUsage;
  question.mutable_come_home()->set_pid(pid);
  return session.ask(question);
}

}  // namespace

const Verb kHome{"home", "PID|--all [NODE]", "bring a program home, or all of a node", "all", 0, 1,
                 run};

}  // namespace llrun::ctl
