#include <cerrno>
#include <cstdio>
#include <deque>
#include <fstream>

#include "supervisor/config/paths.h"
#include "tools/ctl/json.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

void print(const Session& session, const std::string& line) {
  std::puts(session.json ? json_of_line(line).c_str() : line.c_str());
  std::fflush(stdout);  // of use while it is followed
}

// Read from the file: what happened is of interest most of all when no agent runs.
int show(Session& session) {
  const auto directory = config::state_directory();
  if (!directory) return session.fail(kRefused, directory.error().message());
  std::ifstream file(*directory + "/log");
  std::deque<std::string> last;
  for (std::string line; std::getline(file, line);) {
    last.push_back(line);
    if (last.size() > session.lines) last.pop_front();
  }
  for (const auto& line : last) print(session, line);
  return kDone;
}

int run(Session& session, const std::vector<std::string>&) {
  if (!session.flags.contains("follow")) return show(session);
  protocol::ControlMessage question;
  question.mutable_follow_log()->set_follow(true);
  return session.ask(question, [&](const protocol::Row& row) { print(session, row.line()); });
}

}  // namespace

const Verb kLog{
    "log", "[-f] [-n LINES]", "what happened; -f: and what happens", "follow lines", 0, 0, run};

}  // namespace llrun::ctl
