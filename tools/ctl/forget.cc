#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  return ask_about(session, words[0], [](protocol::ControlMessage& question, int pid) {
    question.mutable_forget()->set_pid(pid);
  });
}

}  // namespace

const Verb kForget{"forget", "PID", "give up a program whose node is not reached any more", "", 1,
                   1,        run};

}  // namespace llrun::ctl
