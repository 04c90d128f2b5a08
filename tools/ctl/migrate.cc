#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  return ask_about(session, words[0], [&](protocol::ControlMessage& question, int pid) {
    question.mutable_migrate()->set_pid(pid);
    question.mutable_migrate()->set_node(words[1]);
    question.mutable_migrate()->set_by_hand(true);
  });
}

}  // namespace

const Verb kMigrate{"migrate", "PID NODE", "move a program to a node now", "", 2, 2, run};

}  // namespace llrun::ctl
