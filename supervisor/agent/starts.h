// Starts: which programs the strategy was asked about at their start, and what came of it.
//
// Once for each program of a process: an exec makes another of it. An agent that restarts begins
// with none, and may ask once more about what is still young.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "supervisor/agent/processes.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::agent {

class Starts {
 public:
  [[nodiscard]] bool is_new(const protocol::ProcessReport& report) const;
  void asked(const protocol::ProcessReport& report, bool goes, std::string words);
  void failed(int pid, const std::string& words);  // it stays here after all

  [[nodiscard]] bool was_asked(int pid) const { return starts_.contains(pid); }
  [[nodiscard]] bool goes(int pid) const;
  [[nodiscard]] std::string words(int pid) const;  // what was decided and why; empty: not asked
  // Whether it ran already when this load was measured, so that it is counted in it.
  [[nodiscard]] static bool is_in(const protocol::Load& load,
                                  const protocol::ProcessReport& report);
  // How many have been asked about, stay here, and are not in this load yet.
  [[nodiscard]] int staying_since(const protocol::Load& load) const;
  void forget_ended(const Processes& processes);

 private:
  struct Start {
    std::string executable, words;
    bool goes = false;
    std::int64_t started_ms = 0;  // CLOCK_REALTIME, as loads are measured
  };
  std::map<int, Start> starts_;  // by pid
};

}  // namespace llrun::agent
