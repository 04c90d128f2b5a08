#include <cstdio>

#include "tools/ctl/json.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

int run(Session& session, const std::vector<std::string>& words) {
  return ask_about(
      session, words[0],
      [](protocol::ControlMessage& question, int pid) { question.mutable_files()->set_pid(pid); },
      [&](const protocol::Row& row) {
        std::puts(session.json ? json_of_line(row.line()).c_str() : row.line().c_str());
      });
}

}  // namespace

const Verb kFiles{"files", "PID", "which files of this node it has used while away", "", 1, 1, run};

}  // namespace llrun::ctl
