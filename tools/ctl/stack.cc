#include <cstdio>

#include "tools/ctl/json.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  const int pid = process_of(session, words[0]);
  if (pid == 0) return kUsage;
  protocol::ControlMessage question;
  question.mutable_stack()->set_pid(pid);
  return session.ask(question, [&](const protocol::Row& row) {
    std::puts(session.json ? json_of_line(row.line()).c_str() : row.line().c_str());
  });
}

}  // namespace

const Verb kStack{"stack", "PID", "the stacks of all its threads, at home and away", "", 1, 1, run};

}  // namespace llrun::ctl
