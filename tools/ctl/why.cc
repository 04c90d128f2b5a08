#include <cstdio>
#include <utility>

#include "tools/ctl/json.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

void print(const protocol::Pin& pin) {
  std::printf("%s\n", pin.what().c_str());
  if (!pin.remedy().empty()) std::printf("    to change that: %s\n", pin.remedy().c_str());
}

int run(Session& session, const std::vector<std::string>& words) {
  const int pid = process_of(session, words[0]);
  if (pid == 0) return kUsage;
  protocol::ControlMessage question;
  question.mutable_why()->set_pid(pid);
  question.mutable_why()->set_explain(session.flags.contains("explain"));
  bool first = true;
  return session.ask(question, [&](const protocol::Row& row) {
    if (session.json) return void(std::puts(json_of(row.pin(), pid).c_str()));
    if (std::exchange(first, false)) std::puts("it stays:");
    print(row.pin());
  });
}

}  // namespace

const Verb kWhy{"why",
                "PID [--explain]",
                "what holds a program where it is; --explain: the strategy's numbers",
                "explain",
                1,
                1,
                run};

}  // namespace llrun::ctl
