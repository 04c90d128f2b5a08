#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int ask(Session& session, const std::string& word, bool pinned) {
  return ask_about(session, word, [pinned](protocol::ControlMessage& question, int pid) {
    question.mutable_pin_by_hand()->set_pid(pid);
    question.mutable_pin_by_hand()->set_pinned(pinned);
  });
}

int pin(Session& session, const std::vector<std::string>& words) {
  return ask(session, words[0], true);
}
int unpin(Session& session, const std::vector<std::string>& words) {
  return ask(session, words[0], false);
}

}  // namespace

const Verb kPin{"pin", "PID", "let a program stay where it is", "", 1, 1, pin};
const Verb kUnpin{"unpin", "PID", "let it move again", "", 1, 1, unpin};

}  // namespace llrun::ctl
