// What decides, and what has been learned of programs.
#include <cstdio>

#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

// The agent words its lines itself, as text or as JSON.
int ask(Session& session, const char* verb, const std::vector<std::string>& words) {
  protocol::ControlMessage question;
  question.mutable_verb()->set_verb(verb);
  for (const auto& word : words) question.mutable_verb()->add_arguments(word);
  if (session.json) question.mutable_verb()->add_arguments("--json");
  return session.ask(question, [](const protocol::Row& row) { std::puts(row.line().c_str()); });
}

int strategy(Session& session, const std::vector<std::string>& words) {
  return ask(session, "strategy", words);
}
int history(Session& session, const std::vector<std::string>& words) {
  return ask(session, "history", words);
}

}  // namespace

const Verb kStrategy{
    "strategy", "[NAME [SETTING=N]…|exec:PATH]", "what decides here; change it", "", 0, 32,
    strategy};
const Verb kHistory{"history", "[PROGRAM]", "what programs have been like on this machine", "", 0,
                    1,         history};

}  // namespace llrun::ctl
