// Switches: what `llrunctl level`, `block`, `accept` and `drain` set, and nobody else.
//
// They outlive the agent, not the machine: a restarted agent must not let in what was shut out.
#pragma once

#include <string>

#include "supervisor/config/config.h"

namespace llrun::agent {

struct Switches {
  bool levelling = true;
  bool accepts = true;
  bool draining = false;  // guests are asked to leave; none is let in meanwhile
  friend bool operator==(const Switches&, const Switches&) = default;
};

class KeptSwitches {
 public:
  // As the configuration has them, but for what the file remembers. An empty name: no file.
  KeptSwitches(const config::Config& config, std::string file);

  [[nodiscard]] const Switches& now() const { return now_; }
  void set(const Switches& switches);
  // Not remembered: the agent is about to end.
  void drain_until_the_end() { now_.draining = true; }

 private:
  std::string file_;
  Switches configured_;
  Switches now_;
};

}  // namespace llrun::agent
