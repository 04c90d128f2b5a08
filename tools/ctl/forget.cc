#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  const int pid = process_of(session, words[0]);
  if (pid == 0) return kUsage;
  protocol::ControlMessage question;
  question.mutable_forget()->set_pid(pid);
  return session.ask(question);
}

}  // namespace

const Verb kForget{"forget", "PID", "give up a program whose node is not reached any more", "", 1,
                   1,        run};

}  // namespace llrun::ctl
