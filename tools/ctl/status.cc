#include "tools/ctl/leftovers.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  protocol::ControlMessage question;
  question.mutable_verb()->set_verb("status");
  if (!words.empty()) question.mutable_verb()->set_node(words[0]);
  const int status = session.ask(question, {}, false);
  if (!words.empty()) return status;
  // Of interest most of all when no agent runs.
  for (const auto& leftover : leftovers::find()) print(session, leftover, "left over");
  return status;
}

}  // namespace

const Verb kStatus{"status", "[NODE]", "the agent, in one line, and what crashes have left", "", 0,
                   1,        run};

}  // namespace llrun::ctl
