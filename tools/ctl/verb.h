// A verb of llrunctl: a row in the table of llrunctl.cc and a file of its own here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/ctl/session.h"

namespace llrun::ctl {

struct Verb {
  const char* name;
  const char* arguments;  // "PID NODE", "PID|--all", "on|off"
  const char* summary;
  const char*
      flags;  // long names of the options it takes beside the general ones, separated by blanks
  std::size_t min_words, max_words;
  int (*run)(Session& session, const std::vector<std::string>& words);  // the exit status
};

// One file each.
extern const Verb kPs, kNodes, kLoads, kMigrate, kHome, kForget, kWhy, kStack, kFiles, kLog, kPin,
    kUnpin, kLevel, kBlock, kAccept, kStatus, kStrategy, kHistory, kDrain, kBest, kDoctor, kCleanup;

// The process named by `word`, 0 after having said that it is not one.
[[nodiscard]] int process_of(Session& session, const std::string& word);

// Asks what `fill` has made of the process named by `word`. The exit status.
[[nodiscard]] int ask_about(Session& session, const std::string& word,
                            const std::function<void(protocol::ControlMessage&, int pid)>& fill,
                            const Session::OnRow& on_row = {});

}  // namespace llrun::ctl
