#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  const int pid = process_of(session, words[0]);
  if (pid == 0) return kUsage;
  protocol::ControlMessage question;
  question.mutable_migrate()->set_pid(pid);
  question.mutable_migrate()->set_node(words[1]);
  question.mutable_migrate()->set_by_hand(true);
  return session.ask(question);
}

}  // namespace

const Verb kMigrate{"migrate", "PID NODE", "move a program to a node now", "", 2, 2, run};

}  // namespace llrun::ctl
